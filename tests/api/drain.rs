//! A stop that is spread over time: `--drain`.

use std::{
    collections::HashSet,
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use http_body_util::BodyExt as _;

use crate::support::{
    client::{JSON, TestClient as _, cursor},
    events::{Events, message_of},
    eventually,
    process::Process,
    protocol_client::{ProtocolClient, ProtocolForm, read_until, run, whole},
    raw_connection::{RawConnection, request},
    response::Response,
};

const SPAN: Duration = Duration::from_secs(3);
const STREAMS: usize = 200;
const LONG_POLLS: usize = 100;
const GONE_WITHIN: Duration = Duration::from_secs(2);

fn draining(span: &str) -> Process {
    Process::start(&["--store", "memory", "--workers", "2", "--drain", span])
}

fn long_poll(server: &Process, place: &str) -> RawConnection {
    let mut connection = server.raw();
    let target = format!("/poll?wait=60&cursor={place}");
    connection.send(request("GET", &target, &[], b""));
    connection
}

/// The rest of a stream's frames, and the time of its end.
fn to_the_end(mut stream: Events) -> (Vec<String>, Instant) {
    let frames = std::iter::from_fn(|| stream.next()).collect();
    (frames, Instant::now())
}

fn answered(mut connection: RawConnection) -> (Response, Instant) {
    let answer = connection.answer("GET").expect("long-polls are answered");
    (answer, Instant::now())
}

/// How many of `ends` were in each third of the time.
fn thirds(ends: impl Iterator<Item = Instant>, began: Instant) -> [usize; 3] {
    let mut thirds = [0; 3];
    for end in ends {
        let third = (end - began).div_duration_f64(SPAN / 3) as usize;
        thirds[third.min(2)] += 1;
    }
    thirds
}

#[test]
fn a_drain_ends_readers_one_by_one_and_they_miss_nothing_before() {
    let server = draining("3s");
    let place = cursor(&server.publish_text("lobby", "before")).to_owned();
    let mut streams: Vec<Events> = (0..STREAMS).map(|_| server.stream("")).collect();
    for stream in &mut streams {
        assert_eq!(stream.message()["text"], "before");
    }
    // Long-polls of a room without messages.
    let long_polls: Vec<RawConnection> = (0..LONG_POLLS)
        .map(|_| long_poll(&server, &place))
        .collect();
    eventually("all are open", || {
        server.cost("stream")["open"] == STREAMS && server.cost("long-poll")["open"] == LONG_POLLS
    });
    let (mut health, mut polls) = (server.raw(), server.raw());
    assert_eq!(health.get("/readyz").status(), 200);
    polls.get("/poll");

    let began = Instant::now();
    let streams: Vec<_> = streams
        .into_iter()
        .map(|stream| thread::spawn(move || to_the_end(stream)))
        .collect();
    let long_polls: Vec<_> = long_polls
        .into_iter()
        .map(|connection| thread::spawn(move || answered(connection)))
        .collect();
    server.signal(libc::SIGTERM);
    eventually("the server accepts no connections", || {
        TcpStream::connect(server.addr()).is_err()
    });
    let refusal = health.get("/readyz");
    refusal.problem(503);
    assert!(refusal.header("retry-after").is_some());
    // An existing connection is served until its own deadline, and then closed with `Connection: close`.
    loop {
        let answer = polls.get(&format!("/poll?cursor={place}"));
        assert_eq!(answer.status(), 200);
        if answer.header("connection") == Some("close") {
            break;
        }
        assert!(began.elapsed() < SPAN * 2, "the connection is never closed");
        thread::park_timeout(Duration::from_millis(50));
    }

    let streams: Vec<_> = streams
        .into_iter()
        .map(|s| s.join().expect("ends"))
        .collect();
    let long_polls: Vec<_> = long_polls
        .into_iter()
        .map(|l| l.join().expect("ends"))
        .collect();
    let of_streams = thirds(streams.iter().map(|(_, end)| *end), began);
    assert!(
        of_streams.iter().all(|&n| n > STREAMS / 10),
        "{of_streams:?}"
    );
    let of_long_polls = thirds(long_polls.iter().map(|(_, end)| *end), began);
    assert!(
        of_long_polls.iter().all(|&n| n > LONG_POLLS / 20),
        "{of_long_polls:?}"
    );
    let mut retries = HashSet::new();
    for (frames, _) in &streams {
        let [retry] = &frames[..] else {
            panic!("{frames:?}")
        };
        let ms = retry
            .strip_prefix("retry: ")
            .and_then(|ms| ms.trim_end().parse::<u64>().ok());
        assert!(ms.is_some_and(|ms| (500..=1500).contains(&ms)), "{retry}");
        retries.insert(ms);
    }
    assert!(
        retries.len() > STREAMS / 4,
        "reconnect delays must differ: {retries:?}"
    );
    for (answer, _) in long_polls {
        assert_eq!(answer.header("connection"), Some("close"));
        assert_eq!(answer.ok()["cursor"], place);
    }
    let ended = server.wait();
    assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(0), ""));
    assert!(ended.stdout.contains("draining"), "{}", ended.stdout);
}

#[test]
fn http_2_streams_end_one_by_one_and_none_is_reset() {
    const CONNECTIONS: usize = 30;
    let server = draining("3s");
    let place = cursor(&server.publish_text("lobby", "before")).to_owned();
    let addr = server.addr();
    run(async {
        let (mut streams, mut long_polls) = (Vec::new(), Vec::new());
        for _ in 0..CONNECTIONS {
            let mut client = ProtocolClient::connect_to(addr, ProtocolForm::H2).await;
            for _ in 0..2 {
                let answer = client.send("GET", "/stream?last=1", "").await;
                let mut stream = answer.into_body();
                read_until(&mut stream, "}\n\n").await;
                streams.push(tokio::task::spawn_local(async move {
                    // A reset would be an error here.
                    let rest = stream.collect().await.expect("the stream ends");
                    (rest.to_bytes(), Instant::now())
                }));
            }
            let long_poll = format!("/poll?wait=60&cursor={place}");
            long_polls.push(tokio::task::spawn_local(async move {
                let answer = whole(client.send("GET", &long_poll, "").await).await;
                let next = client.try_send("GET", "/healthz", "").await;
                assert!(next.is_err(), "the connection takes no further request");
                answer
            }));
        }
        let mut observer = ProtocolClient::connect_to(addr, ProtocolForm::H2).await;
        loop {
            let (_, ledger) = observer.get("/ledger").await;
            let ledger: serde_json::Value = serde_json::from_str(&ledger).expect("JSON");
            if ledger["transports"]["long-poll"]["open"] == CONNECTIONS {
                break;
            }
            tokio::task::yield_now().await;
        }
        let began = Instant::now();
        server.signal(libc::SIGTERM);
        let mut ends = Vec::new();
        for stream in streams {
            let (rest, end) = stream.await.expect("is read to its end");
            assert!(rest.starts_with(b"retry: "), "{rest:?}");
            ends.push(end);
        }
        let of_streams = thirds(ends.into_iter(), began);
        assert!(
            of_streams.iter().all(|&n| n > CONNECTIONS / 10),
            "{of_streams:?}"
        );
        for long_poll in long_polls {
            let (status, answer) = long_poll.await.expect("is answered");
            assert_eq!(status, 200);
            let answer: serde_json::Value = serde_json::from_str(&answer).expect("JSON");
            assert_eq!(answer["cursor"], place);
        }
    });
    let ended = server.wait();
    assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(0), ""));
}

#[test]
fn messages_published_during_a_drain_reach_the_remaining_readers() {
    let server = draining("2s");
    let streams: Vec<_> = (0..20).map(|_| server.stream("last=0")).collect();
    let mut publisher = server.raw();
    publisher.get("/healthz");
    let streams: Vec<_> = streams
        .into_iter()
        .map(|stream| thread::spawn(move || to_the_end(stream)))
        .collect();
    server.signal(libc::SIGTERM);
    eventually("the server accepts no connections", || {
        TcpStream::connect(server.addr()).is_err()
    });
    let mut said = Vec::new();
    loop {
        let draft = br#"{"author": "mina", "text": "still here"}"#;
        let answer = publisher.ask("POST", "/messages", &[JSON], draft);
        assert_eq!(answer.status(), 201);
        said.push(answer.json());
        if answer.header("connection") == Some("close") {
            break;
        }
        thread::park_timeout(Duration::from_millis(20));
    }
    for stream in streams {
        let (frames, _) = stream.join().expect("ends");
        let seen: Vec<_> = frames
            .iter()
            .filter_map(|frame| message_of(frame))
            .collect();
        assert_eq!(
            seen[..],
            said[..seen.len()],
            "whole messages, in order, to the end of the stream"
        );
    }
    assert_eq!(server.wait().status.code(), Some(0));
}

#[test]
fn a_second_signal_or_sigint_ends_a_drain_at_once() {
    for signals in [
        &[libc::SIGTERM, libc::SIGTERM][..],
        &[libc::SIGTERM, libc::SIGINT],
        &[libc::SIGINT],
    ] {
        let server = draining("1h");
        let mut streams: Vec<_> = (0..20).map(|_| server.stream("")).collect();
        for stream in &mut streams {
            stream.frame();
        }
        let mut last = Instant::now();
        for &signal in signals {
            last = Instant::now();
            server.signal(signal);
            if signals.len() > 1 {
                eventually("the server drains", || {
                    server.stdout.text().contains("draining")
                });
            }
        }
        for stream in streams {
            to_the_end(stream);
        }
        let ended = server.wait();
        assert!(
            last.elapsed() < GONE_WITHIN,
            "{signals:?}: {:?}",
            last.elapsed()
        );
        assert_eq!(ended.status.code(), Some(0));
    }
}

#[test]
fn a_second_signal_answers_long_polls_at_once() {
    for fast_path in ["on", "off"] {
        let server = Process::start(&[
            "--store",
            "memory",
            "--drain",
            "1h",
            "--http-fast-path",
            fast_path,
        ]);
        let message = server.publish_text("lobby", "hello");
        let place = cursor(&message);
        let polls: Vec<_> = (0..20).map(|_| long_poll(&server, place)).collect();
        eventually("all wait", || server.cost("long-poll")["open"] == 20);
        server.signal(libc::SIGTERM);
        eventually("the server drains", || {
            server.stdout.text().contains("draining")
        });
        let last = Instant::now();
        server.signal(libc::SIGTERM);
        for poll in polls {
            assert_eq!(answered(poll).0.status(), 200, "{fast_path}");
        }
        assert_eq!(server.wait().status.code(), Some(0));
        assert!(last.elapsed() < GONE_WITHIN, "{:?}", last.elapsed());
    }
}

#[test]
fn a_drain_without_readers_ends_at_once() {
    let server = draining("1h");
    drop(server.stream(""));
    let began = Instant::now();
    assert_eq!(server.stop().status.code(), Some(0));
    assert!(began.elapsed() < GONE_WITHIN, "{:?}", began.elapsed());
}
