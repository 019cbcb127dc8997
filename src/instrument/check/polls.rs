//! How long a long-poll may wait, and whether something answers polls from a cache.

use std::time::Duration;

use anyhow::{Result, ensure};
use bytes::Bytes;
use http::{Request, header};
use tokio::time::{Instant, timeout};

use super::{
    delivery::time,
    findings::{Finding, FindingName, Severity},
    proxy::SiteProblem,
    redirect,
    site::{CheckRoom, RESPONSE_TIMEOUT, Site},
};
use crate::{
    Transport,
    http::{error::Timeout, head::Head, meter::NoMeter},
    target::requests::{PollRequest, PollResponse},
};

/// The longest that a long-poll asks to wait.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// An answer that comes before this share of the requested wait was cut.
const EARLY: f64 = 0.9;
/// A long-poll that ends sooner than this was not ended by a limit on its time.
const SOON: Duration = Duration::from_millis(500);
const MESSAGE_BYTES: usize = 100;

/// A poll's answer, or why there is none.
type PollAnswer = Result<(Head, Vec<u8>)>;

async fn request_within(site: &Site, request: Request<Bytes>, within: Duration) -> PollAnswer {
    let asking = async {
        let connection = site.connect().await?;
        let (mut connection, head) = redirect::send(&site.endpoint, connection, request).await?;
        let body = connection.body(&mut NoMeter).await?;
        anyhow::Ok((head, body))
    };
    timeout(within, asking).await.map_err(|_| Timeout)?
}

/// The answer to a request that the server need not hold, which must be a success.
async fn ask(site: &Site, request: Request<Bytes>, part: &str) -> PollAnswer {
    let (head, body) = request_within(site, request, RESPONSE_TIMEOUT).await?;
    site.see(&head.headers);
    ensure!(is_answer(&head), refused(site, part, &head));
    Ok((head, body))
}

fn is_answer(head: &Head) -> bool {
    head.status / 100 == 2 || head.status == 304
}

/// Names the status, and what to change if it is known.
fn refused(site: &Site, part: &str, head: &Head) -> String {
    let status = head.unexpected_status();
    match site.refusal_advice(part, head) {
        Some(advice) => format!("{status}: {advice}"),
        None => status.to_string(),
    }
}

/// Polls that fail do not keep a stream from working, so their errors are findings.
fn finding_of(name: FindingName, checked: Result<Finding>) -> Finding {
    checked.unwrap_or_else(|error| failure(name, &format!("{error:#}")))
}

fn failure(name: FindingName, why: &str) -> Finding {
    Finding::new(
        name,
        Severity::Warning,
        format!("failed: {why}"),
        None,
        None,
    )
}

/// The cursor of the log's end.
async fn start(site: &Site, poll_request: &PollRequest, part: &str) -> Result<Vec<Option<String>>> {
    let mut cursor = poll_request.first_cursor();
    if let Some(start) = poll_request.start() {
        let (head, body) = ask(site, start, part).await?;
        poll_request.advance(
            &mut cursor,
            &PollResponse {
                headers: &head.headers,
                body: &body,
                has_messages: false,
            },
        );
    }
    Ok(cursor)
}

/// The line on long-polls.
pub async fn longest_long_poll(site: &Site) -> Finding {
    let name = FindingName::LongPoll;
    match site.has(Transport::LongPoll) {
        true => finding_of(name, try_long_poll(site).await),
        false => Finding::unknown(name, "the profile has none"),
    }
}

async fn try_long_poll(site: &Site) -> Result<Finding> {
    let part = Transport::LongPoll.as_str();
    let wait = site.patience.min(LONGEST_WAIT);
    let room = site.room("l", wait);
    let poll_request = site.poll_request(&room, Transport::LongPoll)?;
    let cursor = start(site, &poll_request, part).await?;
    let request = poll_request.request(&cursor)?;
    let begin = Instant::now();
    let answer = request_within(site, request, wait + RESPONSE_TIMEOUT).await;
    Ok(match answer {
        Ok((head, _)) => long_poll_answer(site, part, &head, begin.elapsed(), wait),
        Err(error) => long_poll_error(&error, begin.elapsed()),
    })
}

fn long_poll_answer(
    site: &Site,
    part: &str,
    head: &Head,
    took: Duration,
    wait: Duration,
) -> Finding {
    match head.status {
        _ if is_answer(head) || head.status == 408 => {
            let text = match took < wait.mul_f64(EARLY) {
                true => format!("answered after {} without a message", time(took)),
                false => format!("survives {} (the longest time tried)", time(took)),
            };
            Finding::good(FindingName::LongPoll, text, Some(took.as_secs_f64()))
        }
        // With these, a proxy ends the wait for the server.
        502 | 504 if took >= SOON => cut(took, &format!("the answer was {}", head.status)),
        _ => failure(FindingName::LongPoll, &refused(site, part, head)),
    }
}

fn long_poll_error(error: &anyhow::Error, took: Duration) -> Finding {
    let why = format!("{error:#}");
    match took < SOON || error.is::<Timeout>() {
        true => failure(FindingName::LongPoll, &why),
        false => cut(took, &why),
    }
}

fn cut(took: Duration, how: &str) -> Finding {
    Finding::new(
        FindingName::LongPoll,
        Severity::Warning,
        format!("cut after {}: {how}", time(took)),
        Some(took.as_secs_f64()),
        Some(SiteProblem::Silence),
    )
}

/// The line on caches of polls.
pub async fn caching(site: &Site) -> Finding {
    let name = FindingName::PollCache;
    match site.has(Transport::Poll) {
        true => finding_of(name, try_caching(site).await),
        false => Finding::unknown(name, "the profile has no polls"),
    }
}

async fn try_caching(site: &Site) -> Result<Finding> {
    let part = Transport::Poll.as_str();
    let room = site.room("c", Duration::ZERO);
    let poll_request = site.poll_request(&room, Transport::Poll)?;
    let cursor = start(site, &poll_request, part).await?;
    let request = poll_request.request(&cursor)?;
    let (head, _) = ask(site, request.clone(), part).await?;
    let said = head
        .text(&header::CACHE_CONTROL)
        .unwrap_or_else(|| "none".to_owned());
    if site.read_only {
        return Ok(Finding::unknown(
            FindingName::PollCache,
            format!("unknown: nothing was published (Cache-Control: {said})"),
        ));
    }
    let (again, is_fresh) = after_a_message(site, &room, request, part).await?;
    if is_fresh {
        return Ok(Finding::good(
            FindingName::PollCache,
            format!("none: the server answers each poll afresh (Cache-Control: {said})"),
            None,
        ));
    }
    let age = again.text(&header::AGE);
    let age = age.map_or(String::new(), |age| format!(", Age: {age}"));
    Ok(Finding::new(
        FindingName::PollCache,
        Severity::Warning,
        format!(
            "a poll got an old answer, from before a message was published (Cache-Control: {said}{age})"
        ),
        None,
        Some(SiteProblem::PollCache),
    ))
}

/// Publishes a message and polls again. Returns whether the answer has the message.
async fn after_a_message(
    site: &Site,
    room: &CheckRoom,
    request: Request<Bytes>,
    part: &str,
) -> Result<(Head, bool)> {
    site.publish(room, 0, MESSAGE_BYTES).await?;
    let begin = Instant::now();
    loop {
        let (head, body) = ask(site, request.clone(), part).await?;
        let mut is_fresh = false;
        room.tag.each(&body, |_| is_fresh = true);
        // A store may take a moment to show a message.
        if is_fresh || begin.elapsed() > Duration::from_secs(1) {
            return Ok((head, is_fresh));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::error::CLOSED;

    #[test]
    fn only_what_ends_a_wait_is_a_cut() {
        let after = |error: anyhow::Error, took: Duration| long_poll_error(&error, took).text;
        let closed = || anyhow::anyhow!(CLOSED);
        let at_once = after(closed(), Duration::from_millis(2));
        assert_eq!(at_once, format!("failed: {CLOSED}"));
        let late = after(closed(), Duration::from_secs(30));
        assert_eq!(late, format!("cut after 30.0 s: {CLOSED}"));
        let never = after(Timeout.into(), Duration::from_secs(70));
        assert_eq!(never, "failed: no answer in time");
    }
}
