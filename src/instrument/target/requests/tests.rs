//! What of a profile stands in which request, and where an answer goes back.

use super::*;

fn place() -> Place {
    Place {
        host: "h:1".to_owned(),
        prefix: "/base".to_owned(),
        room: "r1".to_owned(),
        wait_s: 2.5,
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("UTF-8")
}

#[test]
fn a_poll_of_our_server_carries_its_cursor_in_the_query() {
    let asking = Asking::new(&Profile::own(), Transport::LongPoll, &place()).expect("profile");
    assert_eq!(
        asking.start(),
        Some(&b"GET /base/poll?room=r1&last=0 HTTP/1.1\r\nHost: h:1\r\n\r\n"[..])
    );
    let mut cursor = asking.first_cursor();
    let answer = Answer {
        headers: &[],
        body: br#"{"messages":[],"cursor":"k-7","more":true,"reset":null}"#,
        has_messages: false,
    };
    asking.advance(&mut cursor, &answer);
    assert!(asking.has_more(&answer));
    let mut request = Vec::new();
    asking.request(&cursor, &mut request);
    assert_eq!(
        text(request),
        "GET /base/poll?room=r1&wait=2.5&cursor=k-7 HTTP/1.1\r\nHost: h:1\r\n\r\n"
    );
}

#[test]
fn a_cursor_may_live_in_headers() {
    let profile = Profile::load("nchan").expect("built in");
    let asking = Asking::new(&profile, Transport::Poll, &place()).expect("profile");
    let mut cursor = asking.first_cursor();
    let headers = [("Etag", "1"), ("Last-Modified", "Tue")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert!(
        headers
            .iter()
            .all(|(name, _)| asking.wants(&name.to_lowercase()))
    );
    let answer = Answer {
        headers: &headers,
        body: b"hello",
        has_messages: true,
    };
    asking.advance(&mut cursor, &answer);
    assert!(asking.has_more(&answer));
    let mut request = Vec::new();
    asking.request(&cursor, &mut request);
    assert_eq!(
        text(request),
        "GET /base/poll/r1 HTTP/1.1\r\nHost: h:1\r\n\
         If-Modified-Since: Tue\r\nIf-None-Match: 1\r\n\r\n"
    );
}

#[test]
fn a_publish_announces_the_length_of_its_body() {
    let publishing = Publishing::new(&Profile::own(), &place(), Marker::new("abcdefgh"), 40);
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
        let address: Address = url.parse().expect(url);
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
        assert!(bad.parse::<Address>().is_err(), "{bad}");
    }
}
