//! The bytes of answers, the same as those of the HTTP layer.

use std::{fmt, io::Write as _};

use crate::{
    delivery::{
        poll_response::{PollBody, PollPage, PollResponse},
        problem::{PROBLEM_CONTENT_TYPE, Problem},
    },
    net::http_date::with_http_date,
};

/// Writes a poll's head, and its body if that is small; returns what is left of the body.
pub fn write_poll(mut response: PollResponse, close: bool, out: &mut Vec<u8>) -> PollBody {
    let Some(page) = response.page.take() else {
        begin_head(out, "304 Not Modified", format_args!(""), close);
        write_validators(&response, out);
        finish_head(out);
        return PollBody::default();
    };
    let mut write_head = |length: u64| {
        let length = format_args!("content-length: {length}\r\n");
        begin_head(out, "200 OK", length, close);
        out.extend_from_slice(b"content-type: application/json\r\n");
        write_validators(&response, out);
        finish_head(out);
    };
    if page.read.entries.is_empty() {
        let suffix = page.suffix();
        write_head((PollPage::PREFIX.len() + suffix.len()) as u64);
        out.extend_from_slice(PollPage::PREFIX.as_bytes());
        out.extend_from_slice(&suffix);
        return PollBody::default();
    }
    let body = page.into_body();
    write_head(body.size);
    body
}

/// Writes the whole answer.
pub fn write_problem(problem: &Problem, close: bool, out: &mut Vec<u8>) {
    let body = problem.to_json();
    let length = format_args!("content-length: {}\r\n", body.len());
    begin_head(out, problem.status().to_string(), length, close);
    // Writing to a vector cannot fail.
    let _ = write!(out, "content-type: {PROBLEM_CONTENT_TYPE}\r\n");
    out.extend_from_slice(b"cache-control: no-store\r\n");
    if let Some((name, value)) = problem.extra_header() {
        let _ = write!(out, "{name}: ");
        out.extend_from_slice(value.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    finish_head(out);
    out.extend_from_slice(&body);
}

/// Writes a stream's head.
pub fn write_stream_head(out: &mut Vec<u8>) {
    let framing = format_args!("transfer-encoding: chunked\r\n");
    begin_head(out, "200 OK", framing, true);
    out.extend_from_slice(
        b"content-type: text/event-stream\r\n\
          cache-control: no-cache\r\n\
          x-accel-buffering: no\r\n",
    );
    finish_head(out);
}

fn begin_head(
    out: &mut Vec<u8>,
    status: impl fmt::Display,
    framing: fmt::Arguments<'_>,
    close: bool,
) {
    // Writing to a vector cannot fail.
    let _ = write!(out, "HTTP/1.1 {status}\r\n{framing}");
    if close {
        out.extend_from_slice(b"connection: close\r\n");
    }
}

fn write_validators(response: &PollResponse, out: &mut Vec<u8>) {
    out.extend_from_slice(b"cache-control: no-store\r\netag: ");
    response.write_tag(out);
    out.extend_from_slice(b"\r\n");
}

fn finish_head(out: &mut Vec<u8>) {
    out.extend_from_slice(b"date: ");
    with_http_date(|date| out.extend_from_slice(date.as_bytes()));
    out.extend_from_slice(b"\r\n\r\n");
}
