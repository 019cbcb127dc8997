//! Requests as a profile describes them, and cursors taken from answers.

use super::*;

fn place() -> RequestContext {
    RequestContext {
        host: "h:1".to_owned(),
        prefix: "/base".to_owned(),
        room: "r1".to_owned(),
        wait_s: 2.5,
        head: RequestHead::Bare,
        cookie_bytes: 0,
    }
}

/// Target and headers, a line each.
fn text(request: &Request<Bytes>) -> String {
    let lines = request.headers().iter();
    let lines = lines.map(|(name, value)| format!("\n{name}: {}", value.to_str().expect("text")));
    format!("{} {}", request.method(), request.uri()) + &lines.collect::<String>()
}

#[test]
fn a_poll_of_our_server_carries_its_cursor_in_the_query() {
    let poll_request =
        PollRequest::new(&Profile::own(), Transport::LongPoll, &place()).expect("profile");
    assert_eq!(
        text(&poll_request.start().expect("a start")),
        "GET /base/poll?room=r1&last=0\nhost: h:1"
    );
    let mut cursor = poll_request.first_cursor();
    let answer = PollResponse {
        headers: &HeaderMap::new(),
        body: br#"{"messages":[],"cursor":"k-7","more":true,"reset":null}"#,
        has_messages: false,
    };
    poll_request.advance(&mut cursor, &answer);
    assert!(poll_request.has_more(&answer));
    assert_eq!(
        text(&poll_request.request(&cursor).expect("valid")),
        "GET /base/poll?room=r1&wait=2.5&cursor=k-7\nhost: h:1"
    );
}

#[test]
fn a_cursor_may_be_in_headers() {
    let profile = Profile::load("nchan").expect("built in");
    let poll_request = PollRequest::new(&profile, Transport::Poll, &place()).expect("profile");
    let mut cursor = poll_request.first_cursor();
    let mut headers = HeaderMap::new();
    headers.insert(header::ETAG, HeaderValue::from_static("1"));
    headers.insert(header::LAST_MODIFIED, HeaderValue::from_static("Tue"));
    let answer = PollResponse {
        headers: &headers,
        body: b"hello",
        has_messages: true,
    };
    poll_request.advance(&mut cursor, &answer);
    assert!(poll_request.has_more(&answer));
    assert_eq!(
        text(&poll_request.request(&cursor).expect("valid")),
        "GET /base/poll/r1\nhost: h:1\nif-modified-since: Tue\nif-none-match: 1"
    );
}

#[test]
fn a_publish_carries_the_message_and_its_id() {
    let tag = MessageTag::new("abcdefgh");
    let publishing = PublishRequest::new(&Profile::own(), &place(), tag, 40).expect("profile");
    let request = publishing.request(7).expect("valid");
    let head = text(&request);
    assert!(
        head.starts_with("POST /base/messages\nhost: h:1\n"),
        "{head}"
    );
    assert!(
        head.contains("\nidempotency-key: pvs-abcdefgh-0000000007"),
        "{head}"
    );
    let body = String::from_utf8(request.into_body().to_vec()).expect("UTF-8");
    assert!(body.contains("\"room\":\"r1\""), "{body}");
    assert!(body.contains("\"pvs-abcdefgh-0000000007."), "{body}");
}
