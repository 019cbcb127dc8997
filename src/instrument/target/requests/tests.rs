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

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("UTF-8")
}

#[test]
fn a_poll_of_our_server_carries_its_cursor_in_the_query() {
    let poll_request =
        PollRequest::new(&Profile::own(), Transport::LongPoll, &place()).expect("profile");
    assert_eq!(
        poll_request.start(),
        Some(&b"GET /base/poll?room=r1&last=0 HTTP/1.1\r\nHost: h:1\r\n\r\n"[..])
    );
    let mut cursor = poll_request.first_cursor();
    let answer = PollResponse {
        headers: &[],
        body: br#"{"messages":[],"cursor":"k-7","more":true,"reset":null}"#,
        has_messages: false,
    };
    poll_request.advance(&mut cursor, &answer);
    assert!(poll_request.has_more(&answer));
    let mut request = Vec::new();
    poll_request.request(&cursor, &mut request);
    assert_eq!(
        text(request),
        "GET /base/poll?room=r1&wait=2.5&cursor=k-7 HTTP/1.1\r\nHost: h:1\r\n\r\n"
    );
}

#[test]
fn a_cursor_may_live_in_headers() {
    let profile = Profile::load("nchan").expect("built in");
    let poll_request = PollRequest::new(&profile, Transport::Poll, &place()).expect("profile");
    let mut cursor = poll_request.first_cursor();
    let headers = [("Etag", "1"), ("Last-Modified", "Tue")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert!(
        headers
            .iter()
            .all(|(name, _)| poll_request.wants(&name.to_lowercase()))
    );
    let answer = PollResponse {
        headers: &headers,
        body: b"hello",
        has_messages: true,
    };
    poll_request.advance(&mut cursor, &answer);
    assert!(poll_request.has_more(&answer));
    let mut request = Vec::new();
    poll_request.request(&cursor, &mut request);
    assert_eq!(
        text(request),
        "GET /base/poll/r1 HTTP/1.1\r\nHost: h:1\r\n\
         If-Modified-Since: Tue\r\nIf-None-Match: 1\r\n\r\n"
    );
}

#[test]
fn a_publish_announces_the_length_of_its_body() {
    let publishing =
        PublishRequest::new(&Profile::own(), &place(), MessageTag::new("abcdefgh"), 40);
    let request = text(publishing.request(7));
    let (head, body) = request.split_once("\r\n\r\n").expect("a head");
    assert!(
        head.contains(&format!("Content-Length: {}", body.len())),
        "{head}"
    );
    assert!(
        head.contains("Idempotency-Key: pvs-abcdefgh-0000000007\r\n"),
        "{head}"
    );
    assert!(body.contains("\"room\":\"r1\""), "{body}");
}

#[test]
fn addresses_are_read_and_others_refused() {
    let parts = |url: &str| {
        let address: TargetUrl = url.parse().expect(url);
        (address.host, address.port, address.prefix)
    };
    let whole = |host: &str, port, prefix: &str| (host.to_owned(), port, prefix.to_owned());
    assert_eq!(parts("http://localhost:8080"), whole("localhost", 8080, ""));
    assert_eq!(parts("http://h/a/b/"), whole("h", 80, "/a/b"));
    assert_eq!(parts("http://[::1]:81/"), whole("::1", 81, ""));
    for bad in [
        "https://h",
        "h:80",
        "http://",
        "http://h:0",
        "http://h:x",
        "http://u@h",
        "http://h/?a",
    ] {
        assert!(bad.parse::<TargetUrl>().is_err(), "{bad}");
    }
}
