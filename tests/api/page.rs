//! The lab's files: compressed as the client accepts, with a separate tag for each encoding.

use std::io::Read as _;

use crate::support::{client::TestClient as _, response::Response, server::Server};

/// The page's own script, the largest of the files.
fn script(server: &Server) -> String {
    let page = server.get("/").text();
    let at = page.find("assets/index-").expect("a script in the page");
    let end = page[at..].find(".js").expect("its end") + at + 3;
    format!("/{}", &page[at..end])
}

fn get_encoded(server: &Server, target: &str, accept: &str) -> Response {
    let accept = ("Accept-Encoding", accept);
    server.raw().ask("GET", target, &[accept], b"")
}

fn decode(answer: &Response) -> Vec<u8> {
    let mut content = Vec::new();
    let body = answer.body.as_slice();
    match answer.header("content-encoding") {
        Some("br") => brotli::Decompressor::new(body, 4096).read_to_end(&mut content),
        Some("gzip") => flate2::read::GzDecoder::new(body).read_to_end(&mut content),
        other => panic!("unexpected encoding: {other:?}"),
    }
    .expect("whole");
    content
}

#[test]
fn the_page_comes_as_small_as_the_client_accepts() {
    let server = Server::memory();
    for target in ["/", &script(&server)] {
        let plain = server.get(target);
        assert_eq!(plain.header("content-encoding"), None);
        assert_eq!(plain.header("vary"), Some("Accept-Encoding"));
        for (accept, encoding) in [
            ("gzip, deflate, br, zstd", "br"),
            ("gzip", "gzip"),
            ("br;q=0.5, gzip;q=0.8", "gzip"),
            ("br;q=0, gzip", "gzip"),
        ] {
            let answer = get_encoded(&server, target, accept);
            assert_eq!(
                answer.header("content-encoding"),
                Some(encoding),
                "{accept}"
            );
            assert_eq!(answer.header("vary"), Some("Accept-Encoding"));
            assert_eq!(answer.header("content-type"), plain.header("content-type"));
            assert!(answer.body.len() < plain.body.len());
            assert_eq!(decode(&answer), plain.body, "{target} as {encoding}");
        }
        for accept in ["identity", "deflate", "", "gzip;q=nonsense"] {
            let answer = get_encoded(&server, target, accept);
            assert_eq!(answer.header("content-encoding"), None, "{accept}");
            assert_eq!(answer.body, plain.body);
        }
    }
}

#[test]
fn each_encoding_of_a_file_has_its_own_tag() {
    let server = Server::memory();
    let forms = ["br", "gzip", "identity"];
    let tag = |accept| {
        let answer = get_encoded(&server, "/", accept);
        answer.header("etag").expect("a tag").to_owned()
    };
    let tags = forms.map(tag);
    for (accept, own) in forms.iter().zip(&tags) {
        for known in &tags {
            let headers = [
                ("Accept-Encoding", *accept),
                ("If-None-Match", "\"another\""),
                ("If-None-Match", known.as_str()),
            ];
            let answer = server.raw().ask("GET", "/", &headers, b"");
            let expected = if known == own { 304 } else { 200 };
            assert_eq!(answer.status(), expected, "{accept} {known}");
            assert_eq!(answer.header("etag"), Some(own.as_str()));
            assert_eq!(answer.header("vary"), Some("Accept-Encoding"));
        }
    }
}
