//! Servers whose line ends, status codes, compression or content types differ from ours.

use std::{
    io::Write as _,
    net::TcpStream,
    sync::{Arc, Condvar, Mutex},
    time::{Duration, Instant},
};

use poll_vs_sse_instrument::Report;

use crate::support::{
    http::{Request, Server, send_answer},
    program::{Exit, compare},
};

/// A log without rooms, and the heads of all requests to read it.
#[derive(Default)]
struct RoomlessLog {
    texts: Mutex<Vec<String>>,
    published: Condvar,
    heads: Mutex<Vec<String>>,
}

impl RoomlessLog {
    /// The messages after the first `seen`. Waits up to `wait` for one.
    fn after(&self, seen: usize, wait: Duration) -> Vec<String> {
        let deadline = Instant::now() + wait;
        let mut texts = self.texts.lock().expect("whole");
        while texts.len() <= seen {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Vec::new();
            }
            texts = self.published.wait_timeout(texts, left).expect("whole").0;
        }
        texts[seen..].to_vec()
    }

    fn count(&self) -> usize {
        self.texts.lock().expect("whole").len()
    }

    /// A poll's answer as JSON, from the cursor in the request.
    fn page(&self, request: &Request, wait: Duration) -> String {
        let cursor = request.parameter("after");
        let seen = cursor.map_or(self.count(), |cursor| cursor.parse().expect("a number"));
        let texts = self.after(seen, wait);
        let after = seen + texts.len();
        serde_json::json!({"texts": texts, "after": after}).to_string()
    }
}

/// Answers a request to read the log.
type ReplyHandler = fn(&RoomlessLog, &Request, &mut TcpStream) -> std::io::Result<()>;

/// A server that accepts messages at `/publish` and answers everything else with `reply`.
fn server(log: &Arc<RoomlessLog>, reply: ReplyHandler) -> Server {
    let log = log.clone();
    Server::start(Arc::new(
        move |request: &Request, stream: &mut TcpStream| {
            if request.method == "POST" {
                log.texts.lock().expect("whole").push(request.body.clone());
                log.published.notify_all();
                return send_answer(stream, "200 OK", "");
            }
            log.heads.lock().expect("whole").push(request.head.clone());
            reply(&log, request, stream)
        },
    ))
}

fn compare_server(server: &Server, transport: &str, more: &[&str]) -> Exit {
    compare_with_profile(server, PROFILE, transport, more)
}

const PROFILE: &str = r#"
    name = "foreign"
    [publish]
    path = "/publish"
    body = "{text}"
    [poll]
    start = "/poll"
    path = "/poll"
    cursor = [{ take = "json:after", send = "query:after" }]
    [long-poll]
    start = "/poll"
    path = "/poll?wait={wait}"
    cursor = [{ take = "json:after", send = "query:after" }]
    [stream]
    path = "/stream"
"#;

fn compare_with_profile(server: &Server, text: &str, transport: &str, more: &[&str]) -> Exit {
    let directory = tempfile::tempdir().expect("a directory");
    let profile = directory.path().join("profile.toml");
    std::fs::write(&profile, text).expect("written");
    let (url, profile) = (server.url(), profile.display().to_string());
    let mut args = vec!["--target", &url, "--profile", &profile];
    args.extend(["--transports", transport, "--clients", "3"]);
    args.extend(["--interval", "100ms", "--json", "-"]);
    args.extend(more);
    compare(&args)
}

fn report(ended: &Exit) -> Report {
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    Report::from_json(&ended.stdout).expect("a report")
}

const QUICK: [&str; 4] = ["--rate", "10", "--duration", "1s"];

#[test]
fn a_long_poll_that_ends_with_408_is_an_empty_answer() {
    let log = Arc::new(RoomlessLog::default());
    let server = server(&log, |log, request, stream| {
        let page = match request.parameter("wait") {
            None => log.page(request, Duration::ZERO),
            Some(_) => log.page(request, Duration::from_millis(300)),
        };
        match page.contains("\"texts\":[]") && request.parameter("wait").is_some() {
            true => send_answer(stream, "408 Request Timeout", ""),
            false => send_answer(stream, "200 OK", &page),
        }
    });
    let ended = compare_server(
        &server,
        "long-poll",
        &["--rate", "1", "--duration", "2s", "--wait", "1s"],
    );
    let result = &report(&ended).transports[0];
    assert!(result.is_valid(), "{result:?}");
    assert!(result.empty > 0, "{result:?}");
}

#[test]
fn a_poll_that_ends_with_408_is_an_error() {
    let log = Arc::new(RoomlessLog::default());
    let server = server(&log, |_, _, stream| {
        send_answer(stream, "408 Request Timeout", "")
    });
    let ended = compare_server(&server, "poll", &QUICK);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("408"), "{}", ended.stderr);
}

#[test]
fn a_compressed_answer_is_reported_as_compressed() {
    let log = Arc::new(RoomlessLog::default());
    let server = server(&log, |_, request, stream| {
        let kind = match request.path.as_str() {
            "/stream" => "text/event-stream",
            _ => "application/json",
        };
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Encoding: gzip\r\n\
             Content-Length: 4\r\n\r\n\u{1f}xyz"
        )
    });
    for transport in ["poll", "stream"] {
        let ended = compare_server(&server, transport, &QUICK);
        assert_eq!(ended.code, Some(2), "{transport}");
        let said = &ended.stderr;
        assert!(
            said.contains("compressed (Content-Encoding: gzip)"),
            "{said}"
        );
        assert!(said.contains("switch compression off"), "{said}");
        assert!(!said.contains("correct the path"), "{said}");
    }
}

#[test]
fn a_stream_with_another_content_type_is_reported() {
    let log = Arc::new(RoomlessLog::default());
    let server = server(&log, |_, _, stream| {
        stream.write_all(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 6\r\n\r\n<html>",
        )
    });
    let ended = compare_server(&server, "stream", &QUICK);
    assert_eq!(ended.code, Some(2));
    let words = "text/html instead of text/event-stream";
    assert!(ended.stderr.contains(words), "{}", ended.stderr);
}

#[test]
fn a_stream_without_a_content_type_is_reported() {
    let log = Arc::new(RoomlessLog::default());
    let server = server(&log, |_, _, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n: hello\n\n")
    });
    let ended = compare_server(&server, "stream", &QUICK);
    assert_eq!(ended.code, Some(2));
    let words = "has no Content-Type instead of text/event-stream";
    assert!(ended.stderr.contains(words), "{}", ended.stderr);
}

#[test]
fn an_endless_head_and_a_redirect_are_named() {
    let log = Arc::new(RoomlessLog::default());
    let endless = server(&log, |_, _, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\n")?;
        loop {
            stream.write_all(format!("X-Long: {}\r\n", "x".repeat(4000)).as_bytes())?;
        }
    });
    let elsewhere = server(&log, |_, _, stream| {
        let head = "HTTP/1.1 307 Temporary Redirect\r\nLocation: https://b.example/\r\n";
        stream.write_all(format!("{head}Content-Length: 0\r\n\r\n").as_bytes())
    });
    for (server, words) in [
        (
            endless,
            ["more than 256 headers or 512 KiB", "no browser reads that"],
        ),
        (
            elsewhere,
            ["a redirect to https://b.example/", "as --target"],
        ),
    ] {
        for transport in ["poll", "stream"] {
            let ended = compare_server(&server, transport, &QUICK);
            assert_eq!(ended.code, Some(2), "{}", ended.stderr);
            for words in words {
                assert!(ended.stderr.contains(words), "{words}: {}", ended.stderr);
            }
        }
    }
}

#[test]
fn events_may_have_any_line_end_and_a_byte_order_mark() {
    fn stream_events(log: &RoomlessLog, stream: &mut TcpStream, end: &str) -> std::io::Result<()> {
        let mut seen = log.count();
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n\u{feff}: hello{end}{end}"
        )?;
        loop {
            for text in log.after(seen, Duration::from_millis(50)) {
                seen += 1;
                write!(stream, "id: {seen}{end}data: {text}{end}{end}")?;
            }
            // This write fails when the client has gone.
            write!(stream, ":{end}{end}")?;
        }
    }
    let forms: [ReplyHandler; 3] = [
        |log, _, stream| stream_events(log, stream, "\r"),
        |log, _, stream| stream_events(log, stream, "\n"),
        |log, _, stream| stream_events(log, stream, "\r\n"),
    ];
    for reply in forms {
        let server = server(&Arc::new(RoomlessLog::default()), reply);
        let result = &report(&compare_server(&server, "stream", &QUICK)).transports[0];
        assert!(result.is_valid() && result.deliveries == 30, "{result:?}");
    }
}

#[test]
fn clients_send_a_browsers_head_and_the_report_names_it() {
    let log = Arc::new(RoomlessLog::default());
    let server = server(&log, |log, request, stream| {
        send_answer(stream, "200 OK", &log.page(request, Duration::ZERO))
    });
    let by_default = report(&compare_server(&server, "poll", &QUICK));
    assert_eq!(by_default.workload.head.as_str(), "chrome");
    let heads = std::mem::take(&mut *log.heads.lock().expect("whole"));
    for head in &heads {
        assert!(head.contains("\r\nSec-Ch-Ua: "), "{head}");
        assert!(head.contains("\r\nAccept-Encoding: identity"), "{head}");
        assert!(!head.contains("Cookie"), "{head}");
    }
    let flags = [&QUICK[..], &["--head", "bare", "--cookie", "1024"]].concat();
    let bare = report(&compare_server(&server, "poll", &flags));
    let heads = std::mem::take(&mut *log.heads.lock().expect("whole"));
    for head in &heads {
        assert!(!head.contains("sec-ch-ua"), "{head}");
        let (_, cookie) = head.split_once("\r\nCookie: ").expect("a cookie");
        assert_eq!(cookie.lines().next().map(str::len), Some(1024));
    }
    assert_eq!(bare.workload.cookie_bytes, 1024);
    let per_request = |report: &Report| {
        let whole = report.transports[0].whole;
        whole.wire_bytes_in / whole.requests
    };
    // The cookie has 1,034 bytes with its name, compared with about 400 of the other head.
    let more = per_request(&bare) - per_request(&by_default);
    assert!((550..700).contains(&more), "{more}");
}

/// A profile whose polls use `cursor`.
fn poll_profile(cursor: &str) -> String {
    let (before, _) = PROFILE.split_once("[poll]").expect("it polls");
    format!("{before}[poll]\npath = \"/poll\"\n{cursor}\n")
}

/// The messages after the number in the client's request, and the number of the last.
fn messages_since(log: &RoomlessLog, named: Option<&str>) -> (Vec<String>, usize) {
    let seen = named.map_or(log.count(), |named| named.parse().expect("a number"));
    let texts = log.after(seen, Duration::ZERO);
    let reached = seen + texts.len();
    (texts, reached)
}

fn header_of<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let mut lines = request.head.lines();
    lines.find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

#[test]
fn polls_may_answer_a_bare_array_or_lines_with_the_cursor_in_ids() {
    fn items(log: &RoomlessLog, request: &Request) -> Vec<String> {
        // Without a cursor, such servers start from the beginning.
        let named = request.parameter("after");
        let seen: usize = named.map_or(0, |named| named.parse().expect("a number"));
        let texts = log.after(seen, Duration::ZERO);
        let items = texts.iter().zip(seen + 1..);
        items
            .map(|(text, id)| serde_json::json!({"id": id, "text": text}).to_string())
            .collect()
    }
    let array: ReplyHandler = |log, request, stream| {
        send_answer(
            stream,
            "200 OK",
            &format!("[{}]", items(log, request).join(",")),
        )
    };
    let lines: ReplyHandler = |log, request, stream| {
        send_answer(stream, "200 OK", &(items(log, request).join("\n") + "\n"))
    };
    for (reply, cursor) in [
        (
            array,
            r#"cursor = [{ take = "json:-1.id", send = "query:after" }]"#,
        ),
        (
            lines,
            "lines = true\ncursor = [{ take = \"json:id\", send = \"query:after\" }]",
        ),
    ] {
        let server = server(&Arc::new(RoomlessLog::default()), reply);
        let ended = compare_with_profile(&server, &poll_profile(cursor), "poll", &QUICK);
        let result = &report(&ended).transports[0];
        assert!(result.is_valid() && result.deliveries == 30, "{result:?}");
    }
}

#[test]
fn polls_may_start_at_the_end_and_take_their_cursor_from_a_link() {
    let server = server(&Arc::new(RoomlessLog::default()), |log, request, stream| {
        let (texts, reached) = messages_since(log, request.parameter("after"));
        let body = serde_json::json!(texts).to_string();
        let link =
            format!("</poll?limit=5>; rel=\"self\", </poll?limit=5&after={reached}>; rel=\"next\"");
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nLink: {link}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    });
    let profile = poll_profile(
        "start = \"/poll\"\ncursor = [{ take = \"link:next:after\", send = \"query:after\" }]",
    );
    let result = &report(&compare_with_profile(&server, &profile, "poll", &QUICK)).transports[0];
    assert!(result.is_valid() && result.deliveries == 30, "{result:?}");
}

#[test]
fn an_etag_may_be_the_cursor_and_304_an_empty_answer() {
    let server = server(&Arc::new(RoomlessLog::default()), |log, request, stream| {
        let known = header_of(request, "If-None-Match").map(|tag| tag.trim_matches('"'));
        let (texts, reached) = messages_since(log, known);
        let (status, body) = match texts[..] {
            [] if known.is_some() => ("304 Not Modified", String::new()),
            _ => ("200 OK", serde_json::json!(texts).to_string()),
        };
        write!(
            stream,
            "HTTP/1.1 {status}\r\nETag: \"{reached}\"\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    });
    let profile = poll_profile(
        "start = \"/poll\"\ncursor = [{ take = \"header:ETag\", send = \"header:If-None-Match\" }]",
    );
    let flags = ["--rate", "4", "--duration", "2s"];
    let result = &report(&compare_with_profile(&server, &profile, "poll", &flags)).transports[0];
    assert!(result.is_valid() && result.empty > 0, "{result:?}");
}

#[test]
fn a_long_poll_may_end_with_204_and_a_token_and_a_cookie_go_with_every_request() {
    let log = Arc::new(RoomlessLog::default());
    let server = server(&log, |log, request, stream| {
        match log.page(request, Duration::from_millis(200)) {
            page if page.contains("\"texts\":[]") && request.parameter("after").is_some() => {
                send_answer(stream, "204 No Content", "")
            }
            page => send_answer(stream, "200 OK", &page),
        }
    });
    let profile = PROFILE.replace(
        "[publish]",
        "headers = { Authorization = \"Bearer t0ken\", Cookie = \"session=9\" }\n[publish]",
    );
    let flags = ["--rate", "1", "--duration", "2s", "--wait", "1s"];
    let result = &report(&compare_with_profile(
        &server,
        &profile,
        "long-poll",
        &flags,
    ))
    .transports[0];
    assert!(result.is_valid() && result.empty > 0, "{result:?}");
    for head in log.heads.lock().expect("whole").iter() {
        assert!(
            head.contains("Bearer t0ken") && head.contains("session=9"),
            "{head}"
        );
    }
}

#[test]
fn a_server_whose_polls_begin_at_the_end_of_the_log_needs_a_start() {
    let log = Arc::new(RoomlessLog::default());
    let server = server(&log, |log, request, stream| {
        send_answer(stream, "200 OK", &log.page(request, Duration::ZERO))
    });
    let profile = poll_profile("cursor = [{ take = \"json:after\", send = \"query:after\" }]");
    let ended = compare_with_profile(&server, &profile, "poll", &QUICK);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    for words in ["do not bring the message", "add `start`"] {
        assert!(ended.stderr.contains(words), "{words}: {}", ended.stderr);
    }
}
