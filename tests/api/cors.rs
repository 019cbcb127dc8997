//! Pages of other origins: the CORS headers for their browsers.

use poll_vs_sse_server::access::origins::AllowedOrigins;

use crate::support::{
    client::{JSON, TestClient as _},
    protocol_client::ProtocolForm,
    response::Response,
    server::{Server, StoreKind},
};

const ORIGIN: &str = "https://chat.example";
const OTHER: &str = "https://other.example";

fn server(origins: AllowedOrigins) -> Server {
    Server::with(StoreKind::Memory, |config| {
        config.access.cors_origins = origins
    })
}

fn named() -> Server {
    server(AllowedOrigins::List(vec![
        "http://localhost:5173".to_owned(),
        ORIGIN.to_owned(),
    ]))
}

fn allowed(response: &Response) -> Option<&str> {
    response.header("access-control-allow-origin")
}

fn varies_by_origin(response: &Response) -> bool {
    let vary = response.header("vary").unwrap_or_default();
    vary.to_lowercase().split(", ").any(|it| it == "origin")
}

fn preflight(server: &Server, target: &str, origin: &str, method: &str, fields: &str) -> Response {
    let headers = [
        ("Origin", origin),
        ("Access-Control-Request-Method", method),
        ("Access-Control-Request-Headers", fields),
    ];
    server.raw().ask("OPTIONS", target, &headers, b"")
}

#[test]
fn without_the_flag_there_are_no_cors_headers() {
    let server = Server::memory();
    let answer = server.get_with("/poll?last=0", &[("Origin", ORIGIN)]);
    let names = answer.head.headers.iter().map(|(name, _)| name);
    assert!(
        !names
            .clone()
            .any(|it| it.starts_with("access-control") || it == "vary")
    );
    preflight(&server, "/messages", ORIGIN, "POST", "content-type").problem(405);
}

#[test]
fn a_page_of_a_named_origin_may_read_answers() {
    let server = named();
    for target in [
        "/poll?last=0",
        "/ledger",
        "/metrics",
        "/healthz",
        "/nope",
        "/poll?limit=0",
    ] {
        let answer = server.get_with(target, &[("Origin", ORIGIN)]);
        assert_eq!(allowed(&answer), Some(ORIGIN), "{target}");
        assert_eq!(
            answer.header("access-control-allow-credentials"),
            Some("true")
        );
        assert_eq!(answer.header("timing-allow-origin"), Some(ORIGIN));
        assert!(varies_by_origin(&answer), "{target}: {:?}", answer.head);
        let exposed = answer.header("access-control-expose-headers");
        for name in ["etag", "location", "retry-after"] {
            assert!(exposed.is_some_and(|it| it.contains(name)), "{exposed:?}");
        }
    }
    let draft = r#"{"author": "mina", "text": "hello"}"#;
    let answer = server.post(draft, &[JSON, ("Origin", ORIGIN)]);
    assert_eq!((answer.status(), allowed(&answer)), (201, Some(ORIGIN)));
    let events =
        crate::support::events::Events::open(server.raw(), "/stream?last=1", &[("Origin", ORIGIN)]);
    assert_eq!(
        events.head.header("access-control-allow-origin"),
        Some(ORIGIN)
    );
    assert_eq!(events.head.header("cache-control"), Some("no-cache"));
}

#[test]
fn a_page_of_another_origin_may_not() {
    let server = named();
    for origin in [
        OTHER,
        "null",
        "https://chat.example.evil",
        "http://chat.example",
        "x",
    ] {
        let answer = server.get_with("/poll?last=0", &[("Origin", origin)]);
        assert_eq!(allowed(&answer), None, "{origin}");
        assert_eq!(answer.header("timing-allow-origin"), None);
        assert!(varies_by_origin(&answer), "{origin}");
        let refused = preflight(&server, "/messages", origin, "POST", "content-type");
        assert!((400..404).contains(&refused.status()), "{origin}");
        refused.problem(refused.status());
        assert_eq!(allowed(&refused), None, "{origin}");
    }
    // No page sent this request, but a cache must still know that the answer depends on the origin.
    let answer = server.get("/poll?last=0");
    assert_eq!(allowed(&answer), None);
    assert!(varies_by_origin(&answer));
}

#[test]
fn preflights_are_answered() {
    let server = named();
    let fields = "content-type, authorization, idempotency-key, last-event-id, if-none-match";
    for (target, method) in [
        ("/messages", "POST"),
        ("/presence/along", "PUT"),
        ("/poll", "GET"),
        ("/tickets", "POST"),
    ] {
        let answer = preflight(&server, target, ORIGIN, method, fields);
        assert_eq!(answer.status(), 200, "{target}: {}", answer.text());
        assert_eq!(allowed(&answer), Some(ORIGIN));
        assert_eq!(
            answer.header("access-control-allow-credentials"),
            Some("true")
        );
        let methods = answer.header("access-control-allow-methods");
        assert!(methods.is_some_and(|it| it.contains(method)), "{methods:?}");
        // Two hours, the most that Chromium accepts.
        assert_eq!(answer.header("access-control-max-age"), Some("7200"));
        assert!(varies_by_origin(&answer));
    }
    preflight(&server, "/messages", ORIGIN, "DELETE", "content-type")
        .assert_problem_field(400, "Access-Control-Request-Method");
    preflight(&server, "/messages", ORIGIN, "POST", "x-evil")
        .assert_problem_field(400, "Access-Control-Request-Headers");
    preflight(&server, "/messages", OTHER, "POST", "content-type")
        .assert_problem_field(403, "Origin");
}

#[test]
fn a_preflight_with_a_host_that_is_none_is_refused() {
    let server = named();
    let headers = [
        ("Host", "a b"),
        ("Origin", ORIGIN),
        ("Access-Control-Request-Method", "POST"),
    ];
    let answer = server.raw().ask("OPTIONS", "/messages", &headers, b"");
    answer.assert_problem_field(400, "Host");
    assert_eq!(allowed(&answer), None);
}

#[test]
fn every_page_may_read_without_cookies() {
    let server = server(AllowedOrigins::Any);
    for origin in [ORIGIN, OTHER] {
        let answer = server.get_with("/poll?last=0", &[("Origin", origin)]);
        assert_eq!(allowed(&answer), Some("*"));
        assert_eq!(answer.header("access-control-allow-credentials"), None);
        assert_eq!(answer.header("timing-allow-origin"), Some("*"));
        let answer = preflight(&server, "/messages", origin, "POST", "content-type");
        assert_eq!((answer.status(), allowed(&answer)), (200, Some("*")));
    }
}

/// The server's two origins, as a browser names them that connects to `host`.
fn own_origins(server: &Server) -> (String, String) {
    let at = |form| server.protocol_addr(form);
    (
        format!("http://{}", at(ProtocolForm::Http1)),
        format!("https://{}", at(ProtocolForm::H2Tls)),
    )
}

#[test]
fn the_page_reads_at_the_servers_other_origin_too() {
    let server = Server::on_every_form();
    let (http, https) = own_origins(&server);
    for origin in [&http, &https] {
        let host = server.protocol_addr(ProtocolForm::Http1).to_string();
        for target in ["/poll?last=0", "/healthz", "/poll?limit=0"] {
            let headers = [("Host", host.as_str()), ("Origin", origin)];
            let answer = server.raw().ask("GET", target, &headers, b"");
            assert_eq!(allowed(&answer), Some(origin.as_str()), "{target}");
            assert_eq!(
                answer.header("access-control-allow-credentials"),
                Some("true")
            );
            assert_eq!(answer.header("timing-allow-origin"), Some(origin.as_str()));
            assert!(varies_by_origin(&answer), "{target}: {:?}", answer.head);
        }
    }
}

#[test]
fn other_pages_may_not_read_because_of_that() {
    let server = Server::on_every_form();
    let (_, https) = own_origins(&server);
    let host = server.protocol_addr(ProtocolForm::Http1).to_string();
    let port = server.protocol_addr(ProtocolForm::Http1).port();
    let ask = |host: &str, origin: &str, method: &str| {
        let headers = [("Host", host), ("Origin", origin)];
        server.raw().ask(method, "/poll?last=0", &headers, b"")
    };
    let elsewhere = format!("http://localhost:{port}");
    for origin in [ORIGIN, "null", &elsewhere, "https://127.0.0.1", ""] {
        assert_eq!(allowed(&ask(&host, origin, "GET")), None, "{origin}");
    }
    // Behind a proxy with another address, the server does not know the origin of its page.
    for host in ["chat.example", "127.0.0.1:1", "127.0.0.1"] {
        assert_eq!(allowed(&ask(host, &https, "GET")), None, "{host}");
    }
    // The page may only read there.
    preflight(&server, "/messages", &https, "POST", "content-type").problem(405);
    let plain = server.get("/poll?last=0");
    assert_eq!((allowed(&plain), plain.header("vary")), (None, None));

    let alone = Server::memory();
    let origin = format!("http://{}", alone.protocol_addr(ProtocolForm::Http1));
    let answer = alone.get_with("/poll?last=0", &[("Origin", &origin)]);
    assert_eq!(allowed(&answer), None);
}

#[test]
fn the_page_names_the_servers_two_origins() {
    let server = Server::on_every_form();
    let (http, https) = own_origins(&server);
    let host = server.protocol_addr(ProtocolForm::Http1).to_string();
    let page = server.raw().ask("HEAD", "/", &[("Host", &host)], b"");
    let link = format!("<{http}/>; rel=\"alternate\", <{https}/>; rel=\"alternate\"");
    assert_eq!(page.header("link"), Some(link.as_str()));
    let policy = page.header("content-security-policy").expect("a policy");
    let sources = format!("connect-src 'self' {http} {https}");
    assert!(policy.ends_with(&sources), "{policy}");

    let behind = server
        .raw()
        .ask("HEAD", "/", &[("Host", "chat.example")], b"");
    assert_eq!(behind.header("link"), None);
    let policy = behind.header("content-security-policy").expect("a policy");
    assert!(policy.ends_with("connect-src 'self'"), "{policy}");
    assert_ne!(page.header("etag"), behind.header("etag"));
}
