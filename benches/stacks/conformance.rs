//! Tests a running server against each sentence of the stacks' small contract.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::http::{self, Answer, Connection};
use super::reader::{Event, Reader};
use super::report::stacks::ContractCheck;
use super::running::RunningStack;

/// The longest time for an answer that must come at once.
const AT_ONCE: Duration = Duration::from_secs(3);

/// A sentence of the contract and its test. The test gets the name of an unused room.
type ContractTest = (&'static str, fn(&RunningStack, &str) -> Result<()>);

const CONTRACT: [ContractTest; 8] = [
    ("a publish is answered with the message", publish_answers),
    (
        "a poll brings what is after its cursor, in order",
        poll_brings,
    ),
    (
        "a poll with nothing new is answered at once and keeps its place",
        poll_is_empty,
    ),
    (
        "a long-poll is answered as soon as there is a message",
        long_poll_wakes,
    ),
    (
        "a long-poll without a message ends when its time is over",
        long_poll_ends,
    ),
    (
        "a stream brings each message as an event with its cursor as id",
        stream_brings,
    ),
    ("a stream goes on after its Last-Event-ID", stream_resumes),
    ("nonsense is refused with a 4xx", nonsense_is_refused),
];

/// Tests every sentence, each in a separate room.
pub fn check(running: &RunningStack) -> Vec<ContractCheck> {
    let outcomes = CONTRACT
        .iter()
        .enumerate()
        .map(|(number, (name, test))| ContractCheck {
            name: (*name).to_owned(),
            failure: test(running, &format!("contract{number}"))
                .err()
                .map(|error| format!("{error:#}")),
        });
    outcomes.collect()
}

fn request(running: &RunningStack, request: &[u8]) -> Result<Answer> {
    Connection::open(running.endpoint.address)?.ask(request)
}

fn publish(running: &RunningStack, room: &str, text: &str) -> Result<Value> {
    let answer = request(running, &running.endpoint.dialect.publish(room, text))?;
    ensure!(
        answer.status == 201,
        "status {} after a publish",
        answer.status
    );
    serde_json::from_slice(&answer.body).context("the answer to a publish")
}

/// Polls, and returns the texts in the answer and its cursor.
fn poll(running: &RunningStack, query: &str) -> Result<(Vec<String>, String)> {
    page(&request(running, &http::get(&format!("/poll?{query}")))?)
}

fn page(answer: &Answer) -> Result<(Vec<String>, String)> {
    ensure!(
        answer.status == 200,
        "status {} after a poll",
        answer.status
    );
    let page: Value = serde_json::from_slice(&answer.body).context("the answer to a poll")?;
    ensure!(
        page["more"].is_boolean() && page["reset"].is_null(),
        "more or reset is wrong: {page}"
    );
    let messages = page["messages"].as_array().context("messages")?;
    let texts = messages.iter().map(text_of).collect::<Result<_>>()?;
    Ok((texts, page["cursor"].as_str().context("cursor")?.to_owned()))
}

fn text_of(message: &Value) -> Result<String> {
    ensure!(
        message["id"].is_u64() && message["cursor"].is_string(),
        "not a message: {message}"
    );
    ensure!(
        message["author"] == "bench" && message["sent_at"].is_string(),
        "not a message: {message}"
    );
    Ok(message["text"].as_str().context("text")?.to_owned())
}

fn publish_answers(running: &RunningStack, room: &str) -> Result<()> {
    let message = publish(running, room, "häßlich → \\\"quoted\\\"")?;
    ensure!(
        text_of(&message)? == "häßlich → \"quoted\"",
        "the text is wrong: {message}"
    );
    ensure!(message["room"] == room, "the room is wrong: {message}");
    Ok(())
}

fn poll_brings(running: &RunningStack, room: &str) -> Result<()> {
    let first = publish(running, room, "one")?;
    publish(running, room, "two")?;
    publish(running, &format!("{room}-other"), "elsewhere")?;
    let last = publish(running, room, "three")?;
    let cursor = first["cursor"].as_str().context("cursor")?;
    let (texts, next) = poll(running, &format!("room={room}&cursor={cursor}"))?;
    ensure!(
        texts == ["two", "three"],
        "after the first message: {texts:?}"
    );
    ensure!(last["cursor"] == next.as_str(), "the cursor is {next}");
    let (texts, _) = poll(running, &format!("room={room}&last=1"))?;
    ensure!(texts == ["three"], "last=1: {texts:?}");
    Ok(())
}

fn poll_is_empty(running: &RunningStack, room: &str) -> Result<()> {
    let message = publish(running, room, "one")?;
    let cursor = message["cursor"].as_str().context("cursor")?;
    let begin = Instant::now();
    let (texts, next) = poll(running, &format!("room={room}&cursor={cursor}"))?;
    ensure!(
        texts.is_empty() && next == cursor,
        "the poll returned {texts:?} and the cursor {next}"
    );
    ensure!(begin.elapsed() < AT_ONCE, "it took {:?}", begin.elapsed());
    Ok(())
}

fn long_poll_wakes(running: &RunningStack, room: &str) -> Result<()> {
    let (_, cursor) = poll(running, &format!("room={room}&last=0"))?;
    let mut waiting = Connection::open_within(running.endpoint.address, Duration::from_secs(15))?;
    waiting.send(&http::get(&format!(
        "/poll?room={room}&cursor={cursor}&wait=10"
    )))?;
    let begin = Instant::now();
    publish(running, room, "awaited")?;
    let (texts, _) = page(&waiting.answer()?)?;
    ensure!(texts == ["awaited"], "the poll returned {texts:?}");
    ensure!(begin.elapsed() < AT_ONCE, "it took {:?}", begin.elapsed());
    Ok(())
}

fn long_poll_ends(running: &RunningStack, room: &str) -> Result<()> {
    let begin = Instant::now();
    let (texts, _) = poll(running, &format!("room={room}&last=0&wait=0.5"))?;
    ensure!(texts.is_empty(), "the poll returned {texts:?}");
    let took = begin.elapsed();
    ensure!(
        took >= Duration::from_millis(450) && took < AT_ONCE,
        "it took {took:?}"
    );
    Ok(())
}

fn stream(running: &RunningStack, room: &str, last_event_id: Option<&str>) -> Result<Reader> {
    Reader::open(
        running.endpoint.address,
        &running.endpoint.dialect.stream(room),
        last_event_id,
    )
}

/// The next `count` events of a stream, as texts and ids.
fn events(reader: &mut Reader, count: usize) -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    let deadline = Instant::now() + AT_ONCE;
    while found.len() < count {
        for Event { id, data } in reader.wait_events(deadline)? {
            let message: Value = serde_json::from_str(&data).context("an event's data")?;
            let id = id.context("an event without an id")?;
            ensure!(message["cursor"] == id.as_str(), "id {id} with {message}");
            found.push((text_of(&message)?, id));
        }
    }
    Ok(found)
}

fn stream_brings(running: &RunningStack, room: &str) -> Result<()> {
    publish(running, room, "before")?;
    let mut reader = stream(running, room, None)?;
    for text in ["one", "two"] {
        publish(running, room, text)?;
        let found = events(&mut reader, 1)?;
        ensure!(
            found.len() == 1 && found[0].0 == text,
            "{found:?} instead of {text}"
        );
    }
    Ok(())
}

fn stream_resumes(running: &RunningStack, room: &str) -> Result<()> {
    let first = publish(running, room, "one")?;
    publish(running, room, "two")?;
    publish(running, room, "three")?;
    let id = first["cursor"].as_str().context("cursor")?;
    let mut reader = stream(running, room, Some(id))?;
    let found = events(&mut reader, 2)?;
    let texts: Vec<_> = found.iter().map(|(text, _)| text.as_str()).collect();
    ensure!(
        texts == ["two", "three"],
        "the stream resumed with {texts:?}"
    );
    Ok(())
}

fn nonsense_is_refused(running: &RunningStack, _room: &str) -> Result<()> {
    let post = |body: &str| http::post("/messages", "application/json", body.as_bytes());
    let requests = [
        post("no JSON"),
        post("[]"),
        post(r#"{"author":"bench"}"#),
        http::get("/poll?cursor=nonsense"),
        http::get("/stream?cursor=nonsense"),
        http::get("/nowhere"),
    ];
    for text in requests {
        let status = request(running, &text)?.status;
        let line = String::from_utf8_lossy(&text);
        let line = line.lines().next().unwrap_or_default().to_owned();
        ensure!((400..500).contains(&status), "{line}: {status}");
    }
    Ok(())
}
