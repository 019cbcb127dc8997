//! The routes, and errors for other addresses and methods.

use crate::support::{client::TestClient as _, each_store, server::Server};

const ROUTES: [(&str, &str); 7] = [
    ("/poll", "GET, HEAD"),
    ("/stream", "GET"),
    ("/messages", "POST"),
    ("/ledger", "GET, HEAD"),
    ("/metrics", "GET, HEAD"),
    ("/healthz", "GET, HEAD"),
    ("/readyz", "GET, HEAD"),
];

each_store!(the_process_is_up_and_the_store_answers, |server| {
    assert_eq!(server.get("/healthz").status(), 200);
    assert_eq!(server.get("/readyz").status(), 200);
});

#[test]
fn the_page_is_at_the_root() {
    let server = Server::memory();
    assert_eq!(server.get("/").status(), 200);
    let head = server.raw().ask("HEAD", "/", &[], b"");
    assert_eq!((head.status(), head.body.len()), (200, 0));
}

#[test]
fn unknown_routes_are_404() {
    let server = Server::memory();
    let unknown = [
        "/nope",
        "/poll/",
        "//poll",
        "/Poll",
        "/messages/1",
        "/stream/lobby",
        "/../etc/passwd",
        "/..%2f..%2fetc%2fpasswd",
        "/poll%00",
        "/%2e%2e/poll",
        "/assets/",
        "/favicon.ico/x",
        "/poll;x=1",
        "/%ff%fe",
        "/%F0%9F%98%80",
        "/a%20b",
    ];
    for target in unknown {
        for method in ["GET", "POST", "DELETE"] {
            server.raw().ask(method, target, &[], b"").problem(404);
        }
    }
}

#[test]
fn wrong_methods_are_405_with_the_allowed_methods() {
    let server = Server::memory();
    for (target, allowed) in ROUTES {
        for method in [
            "GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW", "get",
        ] {
            if allowed.split(", ").any(|it| it == method) {
                continue;
            }
            let answer = server.raw().ask(method, target, &[], b"");
            answer.problem(405);
            assert_eq!(answer.header("allow"), Some(allowed), "{method} {target}");
        }
        if allowed == "GET, HEAD" {
            let get = server.get(target);
            let head = server.raw().ask("HEAD", target, &[], b"");
            assert_eq!((head.status(), head.body.len()), (get.status(), 0));
            let kind = head.header("content-type");
            assert_eq!(kind, get.header("content-type"), "HEAD {target}");
        }
    }
    let answer = server.raw().ask("POST", "/", &[], b"");
    answer.problem(405);
    assert_eq!(answer.header("allow"), Some("GET, HEAD"));
}

#[test]
fn errors_are_not_cached() {
    let server = Server::memory();
    for target in ["/nope", "/poll?limit=0", "/ledger?client=x"] {
        assert_eq!(
            server.get(target).header("cache-control"),
            Some("no-store"),
            "{target}"
        );
    }
}

#[test]
fn a_browser_at_an_unknown_address_gets_a_link_to_the_lab() {
    let server = Server::memory();
    let accept = ("Accept", "text/html,application/xhtml+xml,*/*;q=0.8");
    for (target, way) in [("/nope", "./"), ("/a/b/c", "../../"), ("/%3Cb%3E&x", "./")] {
        let answer = server.raw().ask("GET", target, &[accept], b"");
        assert_eq!(answer.status(), 404);
        assert_eq!(
            answer.header("content-type"),
            Some("text/html; charset=utf-8")
        );
        let page = answer.text();
        assert!(page.contains(&format!("href=\"{way}\"")), "{page}");
        assert!(!page.contains("<b>"), "{page}");
    }
    // At a valid address, a browser gets the same answer as any client.
    server
        .raw()
        .ask("GET", "/poll?limit=0", &[accept], b"")
        .problem(400);
}

#[test]
fn crawlers_are_kept_from_the_conversations() {
    let server = Server::memory();
    let robots = server.get("/robots.txt");
    assert_eq!(robots.status(), 200);
    assert!(
        robots
            .header("content-type")
            .is_some_and(|kind| kind.starts_with("text/plain"))
    );
    assert!(
        robots.text().contains("\nDisallow: /\n"),
        "{}",
        robots.text()
    );
    assert_eq!(server.get("/favicon.ico").status(), 204);
}
