//! A connection that polls: its requests are read, and answered, right here for as long as nothing
//! but polls comes. Anything else is HTTP's, with all that was read.
//!
//! An empty poll costs so little that a general HTTP layer would be a part of it that shows. So this
//! reads the one request it knows, and only in its plainest form: what has a body, asks to be the
//! last, or looks in any way unusual it leaves to HTTP, and the connection with it.

use std::{
    fmt,
    future::{Future, poll_fn},
    io::{self, Write as _},
    mem::MaybeUninit,
    pin::{Pin, pin},
    str,
    sync::Arc,
    task::{Context, Poll, ready},
    vec,
};

use actix_web::{ResponseError as _, body::MessageBody as _};
use bytes::{Buf as _, Bytes, BytesMut};
use httparse::{Header, Request, Status};
use tokio::io::{AsyncReadExt as _, AsyncWrite as _};

use super::{
    Served,
    date::with_date,
    poll::{Asked, KnownTags, ask},
    query::ReadQuery,
    reply::{BEGINNING, Content, Parts, Reply, ending},
};
use crate::{
    http::error::Problem,
    ledger::{connection::Connection, patience::Patience},
};

/// What is read at once: more than a poll's head.
const READ_BYTES: usize = 2048;
/// A head longer than this is HTTP's; so much is read ahead while a long-poll waits.
const MAX_AHEAD: usize = 8 * 1024;
/// More header fields than this are HTTP's.
const MAX_HEADERS: usize = 32;
/// What is copied of an answer for one write; the rest stays shared until there is room.
const WRITE_BYTES: usize = poll_vs_sse_model::server_limits::WRITE_BYTES;
const START: &[u8] = b"GET /poll";

/// What came first on a connection.
enum Input {
    /// A poll, and the bytes of its request.
    Poll(ReadQuery, KnownTags, usize),
    Partial,
    /// Something for HTTP.
    Other,
}

/// One connection's polls.
struct Poller<'a> {
    connection: &'a Connection,
    patience: Patience,
    /// Something crossed the socket since the patience was last asked.
    active: bool,
    input: BytesMut,
    output: Vec<u8>,
}

/// Answers polls until the client leaves or `stopping` is done (`None`), or until something else
/// comes: then HTTP is to go on with the bytes returned.
pub async fn serve_polls(
    connection: &Connection,
    served: &Arc<Served>,
    stopping: impl Future<Output = ()>,
) -> Option<Bytes> {
    let mut stopping = pin!(stopping);
    let mut poller = Poller {
        connection,
        patience: Patience::new(),
        active: false,
        input: BytesMut::new(),
        output: Vec::new(),
    };
    loop {
        match understand(&poller.input) {
            Input::Other => return Some(poller.input.freeze()),
            Input::Partial => {
                let more = poll_fn(|cx| {
                    if stopping.as_mut().poll(cx).is_ready() {
                        return Poll::Ready(false);
                    }
                    poller.poll_wait(cx)
                });
                if !more.await {
                    return None;
                }
            }
            Input::Poll(query, known, length) => {
                poller.input.advance(length);
                let reply = match ask(Ok(query), known, connection, served) {
                    Asked::Answered(reply) => reply,
                    Asked::Reading(reading) => {
                        let mut reply = poller.unless_left(reading).await?;
                        // It may have waited until the end.
                        reply.is_last |=
                            poll_fn(|cx| Poll::Ready(stopping.as_mut().poll(cx).is_ready())).await;
                        reply
                    }
                };
                let is_last = reply.is_last || served.drain.has_come(connection);
                poller.write(Reply { is_last, ..reply }).await.ok()?;
                if is_last {
                    return None;
                }
            }
        }
    }
}

impl Poller<'_> {
    /// Reads what there is. False: the client has left.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        self.input.reserve(READ_BYTES);
        let input = &mut self.input;
        let read = self
            .connection
            .with_socket(|socket| pin!(socket.read_buf(input)).poll(cx));
        let read = ready!(read.unwrap_or(Poll::Ready(Ok(0)))).unwrap_or(0);
        self.connection.was_read(read);
        self.active = true;
        Poll::Ready(read > 0)
    }

    /// Waits for more of a request. False: none will come, or not in time.
    fn poll_wait(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        if let Poll::Ready(more) = self.poll_read(cx) {
            return Poll::Ready(more);
        }
        let active = std::mem::take(&mut self.active);
        let in_head = self.connection.is_in_head();
        self.patience.poll_over(active, in_head, cx).map(|()| false)
    }

    /// The outcome of `work`, unless the client leaves before.
    async fn unless_left<T>(&mut self, mut work: Pin<Box<dyn Future<Output = T>>>) -> Option<T> {
        poll_fn(|cx| {
            if let Poll::Ready(done) = work.as_mut().poll(cx) {
                return Poll::Ready(Some(done));
            }
            while self.input.len() < MAX_AHEAD {
                if !ready!(self.poll_read(cx)) {
                    return Poll::Ready(None);
                }
            }
            Poll::Pending
        })
        .await
    }

    async fn write(&mut self, reply: Reply) -> io::Result<()> {
        self.output.clear();
        let mut rest = encode(&reply, &mut self.output);
        loop {
            // What a client does not take is not copied for it.
            while self.output.len() < WRITE_BYTES
                && let Some(part) = rest.next()
            {
                self.output.extend_from_slice(&part);
            }
            self.write_output().await?;
            self.output.clear();
            if rest.len() == 0 {
                break;
            }
        }
        drop(reply);
        self.connection.settle();
        Ok(())
    }

    async fn write_output(&mut self) -> io::Result<()> {
        let mut unsent = self.output.as_slice();
        poll_fn(|cx| {
            while !unsent.is_empty() {
                let written = self
                    .connection
                    .with_socket(|socket| Pin::new(socket).poll_write(cx, unsent));
                let bytes = match ready!(written.unwrap_or(Poll::Ready(Ok(0))))? {
                    0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    bytes => bytes,
                };
                self.connection.was_written(bytes);
                unsent = &unsent[bytes..];
            }
            Poll::Ready(io::Result::Ok(()))
        })
        .await?;
        self.active = true;
        self.patience.answered();
        Ok(())
    }
}

/// What `input` begins with.
fn understand(input: &[u8]) -> Input {
    let start = START.len().min(input.len());
    if input[..start] != START[..start] {
        return Input::Other;
    }
    let mut headers = [MaybeUninit::uninit(); MAX_HEADERS];
    let mut request = Request::new(&mut []);
    match request.parse_with_uninit_headers(input, &mut headers) {
        Ok(Status::Complete(length)) => match plain_poll(&request) {
            Some((query, known)) => Input::Poll(query, known, length),
            None => Input::Other,
        },
        Ok(Status::Partial) if input.len() < MAX_AHEAD => Input::Partial,
        _ => Input::Other,
    }
}

/// The poll that `request` is, if it is as plain as one can be.
fn plain_poll(request: &Request) -> Option<(ReadQuery, KnownTags)> {
    let target = request.path?;
    let query = match target.strip_prefix("/poll")? {
        "" => "",
        rest => rest.strip_prefix('?')?,
    };
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"=&%+-_.~,:".contains(&b);
    if request.version != Some(1) || !query.bytes().all(is_plain) {
        return None;
    }
    let (mut last_event_id, mut if_none_match) = (None, None);
    for header in &*request.headers {
        let is = |name: &str| header.name.eq_ignore_ascii_case(name);
        if is("connection") {
            header
                .value
                .eq_ignore_ascii_case(b"keep-alive")
                .then_some(())?;
        } else if is("content-length") || is("transfer-encoding") || is("expect") || is("upgrade") {
            return None;
        } else if is("last-event-id") {
            first(&mut last_event_id, header)?;
        } else if is("if-none-match") {
            first(&mut if_none_match, header)?;
        }
    }
    let query = ReadQuery::parse(query, last_event_id).ok()?;
    let is_plain = query.fault.is_none() && query.fault_key.is_none() && !query.close;
    is_plain.then(|| (query, KnownTags::new(if_none_match)))
}

/// Takes a header field that is text, and there once.
fn first<'a>(slot: &mut Option<&'a str>, header: &Header<'a>) -> Option<()> {
    let value = str::from_utf8(header.value).ok()?;
    slot.replace(value).is_none().then_some(())
}

/// Writes the head of a reply, and its body where that is small; what is left of the body follows.
fn encode(reply: &Reply, out: &mut Vec<u8>) -> vec::IntoIter<Bytes> {
    let (status, cursor) = match &reply.content {
        Content::Refusal(problem) => {
            encode_problem(problem, reply.is_last, out);
            return Vec::new().into_iter();
        }
        Content::Known(cursor) => ("304 Not Modified", cursor),
        Content::Read(answer) => ("200 OK", &answer.cursor),
    };
    let mut head = |body: fmt::Arguments<'_>| {
        // Writing to a vector cannot fail.
        let _ = write!(
            out,
            "HTTP/1.1 {status}\r\n{body}cache-control: no-store\r\netag: \"{cursor}\"\r\n"
        );
        end_head(reply.is_last, out);
    };
    let Content::Read(answer) = &reply.content else {
        head(format_args!(""));
        return Vec::new().into_iter();
    };
    let mut json = |length: u64| {
        head(format_args!(
            "content-length: {length}\r\ncontent-type: application/json\r\n"
        ));
    };
    if answer.read.entries.is_empty() {
        let ending = ending(answer);
        json((BEGINNING.len() + ending.len()) as u64);
        out.extend_from_slice(BEGINNING.as_bytes());
        out.extend_from_slice(ending.as_bytes());
        return Vec::new().into_iter();
    }
    let parts = Parts::of(answer);
    json(parts.size);
    parts.parts
}

fn end_head(is_last: bool, out: &mut Vec<u8>) {
    if is_last {
        out.extend_from_slice(b"connection: close\r\n");
    }
    with_date(|line| out.extend_from_slice(line.as_bytes()));
    out.extend_from_slice(b"\r\n");
}

fn encode_problem(problem: &Problem, is_last: bool, out: &mut Vec<u8>) {
    let response = problem.error_response();
    // Writing to a vector cannot fail.
    let _ = write!(out, "HTTP/1.1 {}\r\n", response.status());
    for (name, value) in response.headers() {
        let _ = write!(out, "{name}: ");
        out.extend_from_slice(value.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    let body = response.into_body().try_into_bytes().unwrap_or_default();
    let _ = write!(out, "content-length: {}\r\n", body.len());
    end_head(is_last, out);
    out.extend_from_slice(&body);
}
