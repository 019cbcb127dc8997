//! Replaces the HTTP layer's answer to bytes that are not a request. That answer is a bare status, which does not
//! even say that a used connection closes. The replacement says so, and has a problem document like every other
//! error.

use bytes::Bytes;

/// The bare answers, up to their date, and their replacements.
const REFUSALS: [BareRefusal; 4] = [
    BareRefusal {
        head: "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n",
        status_line: BAD_REQUEST,
        body: BAD_REQUEST_BODY,
    },
    BareRefusal {
        head: "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n",
        status_line: BAD_REQUEST,
        body: BAD_REQUEST_BODY,
    },
    BareRefusal {
        head: "HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\n",
        status_line: TOO_LARGE,
        body: TOO_LARGE_BODY,
    },
    BareRefusal {
        head: "HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n",
        status_line: TOO_LARGE,
        body: TOO_LARGE_BODY,
    },
];

const BAD_REQUEST: &str = "HTTP/1.1 400 Bad Request";
const BAD_REQUEST_BODY: &str = r#"{"type":"about:blank","title":"Bad Request","status":400,"detail":"these bytes are not a valid HTTP request, or its address is longer than 64 KiB"}"#;
const TOO_LARGE: &str = "HTTP/1.1 431 Request Header Fields Too Large";
const TOO_LARGE_BODY: &str = r#"{"type":"about:blank","title":"Request Header Fields Too Large","status":431,"detail":"the head of the request is too large"}"#;

/// The replacement for a bare refusal.
#[derive(Debug)]
pub struct RefusalAnswer {
    pub bytes: Bytes,
    /// Whether the request's head is too large.
    pub is_head_too_large: bool,
}

struct BareRefusal {
    head: &'static str,
    status_line: &'static str,
    body: &'static str,
}

/// `date: `, a date of 29 characters, and the end of the head.
const DATE: &str = "date: ";
const DATE_BYTES: usize = DATE.len() + 29;
const END: &[u8] = b"\r\n\r\n";

/// Where in `output` a bare refusal begins, and its replacement. A refusal is always at the end of the HTTP layer's
/// output.
pub fn find(output: &[u8]) -> Option<(usize, RefusalAnswer)> {
    let head = output.strip_suffix(END)?;
    let (before, date) = head.split_at_checked(head.len().checked_sub(DATE_BYTES)?)?;
    let date = str::from_utf8(date)
        .ok()
        .filter(|it| it.starts_with(DATE))?;
    let refusal = REFUSALS
        .iter()
        .find(|refusal| before.ends_with(refusal.head.as_bytes()))?;
    let BareRefusal {
        head,
        status_line,
        body,
    } = refusal;
    let answer = format!(
        "{status_line}\r\ncontent-length: {}\r\nconnection: close\r\n\
         content-type: application/problem+json\r\ncache-control: no-store\r\n{date}\r\n\r\n{body}",
        body.len()
    );
    let refusal = RefusalAnswer {
        bytes: answer.into(),
        is_head_too_large: *status_line == TOO_LARGE,
    };
    Some((before.len() - head.len(), refusal))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BARE: &str = "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\ndate: Sun, 29 Nov 2026 01:34:39 GMT\r\n\r\n";

    #[test]
    fn a_bare_refusal_gets_its_body_and_says_that_it_closes() {
        for before in ["", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"] {
            let output = format!("{before}{BARE}");
            let (at, answer) = find(output.as_bytes()).expect("found");
            assert_eq!(at, before.len());
            let answer = String::from_utf8(answer.bytes.to_vec()).expect("UTF-8");
            let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
            assert!(head.contains("\r\nconnection: close\r\n"), "{head}");
            assert!(
                head.ends_with("\r\ndate: Sun, 29 Nov 2026 01:34:39 GMT"),
                "{head}"
            );
            assert!(head.contains(&format!("content-length: {}\r\n", body.len())));
            let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
            assert_eq!(body["status"], 400);
        }
    }

    #[test]
    fn other_output_stays_as_it_is() {
        let other = BARE.replace("content-length: 0", "content-length: 7");
        for output in [
            "",
            "\r\n\r\n",
            "HTTP/1.1 304 Not Modified\r\n\r\n",
            other.as_str(),
            &BARE[1..],
        ] {
            assert!(find(output.as_bytes()).is_none(), "{output:?}");
        }
    }
}
