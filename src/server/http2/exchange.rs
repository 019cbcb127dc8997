//! One request and its answer on one stream.
//!
//! Handler and body are dropped as soon as the client resets the stream. Back-pressure is per stream:
//! the body is asked for more only when the client's window has taken what it gave before, so a stalled
//! stream holds one chunk and holds up no other stream.

use std::{
    future::{Future, poll_fn},
    panic::AssertUnwindSafe,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use actix_http::{
    Payload, Response,
    body::{BodySize, BoxBody, MessageBody},
    error::PayloadError,
};
use bytes::{Bytes, BytesMut};
use futures_util::{FutureExt as _, Stream};
use h2::{Reason, RecvStream, SendStream, server::SendResponse};
use tokio::time::timeout;

use super::{head, pausable_waker::PausableWaker};

/// Parts of a sized body are gathered up to this before they become a DATA frame.
const GATHER_BYTES: usize = 16 * 1024;

/// The body of a request, as actix-web takes it.
pub fn payload(stream: RecvStream) -> Payload {
    Payload::Stream {
        payload: Box::pin(RequestBody(stream)),
    }
}

struct RequestBody(RecvStream);

impl Stream for RequestBody {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(chunk) = ready!(self.0.poll_data(cx)) else {
            return Poll::Ready(None);
        };
        let chunk = chunk.and_then(|chunk| {
            self.0.flow_control().release_capacity(chunk.len())?;
            Ok(chunk)
        });
        Poll::Ready(Some(
            chunk.map_err(|error| PayloadError::Io(std::io::Error::other(error))),
        ))
    }
}

/// Answers one request.
pub async fn answer<F, R, E, B>(
    call: F,
    respond: SendResponse<Bytes>,
    is_head: bool,
    stall_timeout: Duration,
) where
    F: Future<Output = Result<R, E>>,
    R: Into<Response<B>>,
    E: Into<Response<BoxBody>>,
    B: MessageBody + 'static,
{
    // A box for the body: what is kept across a wait is part of this future, which a stream keeps for hours.
    let call = async move {
        match call.await {
            Ok(response) => response.into().map_into_boxed_body(),
            Err(error) => error.into(),
        }
    };
    let mut responder = Responder {
        respond,
        is_head,
        stall_timeout,
    };
    // A panic costs the client this stream, and nobody else anything.
    let called = AssertUnwindSafe(call).catch_unwind();
    let called = responder.unless_reset(called).await;
    let sent = match called {
        // The client has no interest any more.
        None => return,
        Some(Ok(response)) => responder.send(response).await,
        Some(Err(_)) => Err(Reason::INTERNAL_ERROR),
    };
    if let Err(reason) = sent {
        responder.respond.send_reset(reason);
    }
}

struct Responder {
    respond: SendResponse<Bytes>,
    is_head: bool,
    stall_timeout: Duration,
}

impl Responder {
    async fn unless_reset<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        poll_fn(|cx| {
            if let Poll::Ready(done) = work.as_mut().poll(cx) {
                return Poll::Ready(Some(done));
            }
            self.respond.poll_reset(cx).map(|_| None)
        })
        .await
    }

    /// Sends head and body. An error is the reason to reset the stream with.
    async fn send(&mut self, response: Response<BoxBody>) -> Result<(), Reason> {
        let (response, body) = response.into_parts();
        let size = body.size();
        let is_empty = self.is_head || matches!(size, BodySize::None | BodySize::Sized(0));
        let head = head::response(response.head(), size);
        // A stream may stay open for hours, with no use for it.
        drop(response);
        // An error here and below: the stream is closed already.
        let Ok(mut stream) = self.respond.send_response(head, is_empty) else {
            return Ok(());
        };
        if is_empty {
            return Ok(());
        }
        let body = AssertUnwindSafe(send_body(body, size, &mut stream, self.stall_timeout));
        match body.catch_unwind().await {
            Ok(sent) => sent,
            Err(_) => Err(Reason::INTERNAL_ERROR),
        }
    }
}

async fn send_body(
    body: BoxBody,
    size: BodySize,
    stream: &mut SendStream<Bytes>,
    stall_timeout: Duration,
) -> Result<(), Reason> {
    let mut body = pin!(body);
    let waker = Arc::<PausableWaker>::default();
    let mut left = match size {
        BodySize::Sized(bytes) => Some(bytes),
        BodySize::Stream | BodySize::None => None,
    };
    loop {
        let next = poll_fn(|cx| match next_chunk(body.as_mut(), left.is_some(), cx) {
            Poll::Ready(chunk) => Poll::Ready(Some(chunk)),
            Poll::Pending => {
                let own = waker.waker_for(cx);
                stream
                    .poll_reset(&mut Context::from_waker(&own))
                    .map(|_| None)
            }
        });
        let Some(chunk) = next.await else {
            return Ok(());
        };
        let Some(chunk) = chunk else {
            // A stream's end is an empty frame; a sized body's was its last chunk.
            return match left {
                None => send_chunk(stream, Bytes::new(), true, stall_timeout, &waker).await,
                Some(_) => Err(Reason::INTERNAL_ERROR),
            };
        };
        let chunk = chunk.map_err(|()| Reason::INTERNAL_ERROR)?;
        let is_last = match &mut left {
            None => false,
            Some(left) => {
                *left = left
                    .checked_sub(chunk.len() as u64)
                    .ok_or(Reason::INTERNAL_ERROR)?;
                *left == 0
            }
        };
        send_chunk(stream, chunk, is_last, stall_timeout, &waker).await?;
        if is_last {
            return Ok(());
        }
    }
}

/// The body's next chunk; if `gather`, with what else of it is ready, up to a frame's size.
fn next_chunk(
    mut body: Pin<&mut BoxBody>,
    gather: bool,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<Bytes, ()>>> {
    let Some(first) = ready!(body.as_mut().poll_next(cx)) else {
        return Poll::Ready(None);
    };
    let Ok(first) = first else {
        return Poll::Ready(Some(Err(())));
    };
    let mut gathered = BytesMut::new();
    while gather && first.len() + gathered.len() < GATHER_BYTES {
        match body.as_mut().poll_next(cx) {
            Poll::Ready(Some(Ok(more))) => {
                if gathered.is_empty() {
                    gathered.extend_from_slice(&first);
                }
                gathered.extend_from_slice(&more);
            }
            Poll::Ready(Some(Err(_))) => return Poll::Ready(Some(Err(()))),
            Poll::Ready(None) | Poll::Pending => break,
        }
    }
    let chunk = if gathered.is_empty() {
        first
    } else {
        gathered.freeze()
    };
    Poll::Ready(Some(Ok(chunk)))
}

/// Sends `chunk` as the client's window allows. A client that takes nothing for `stall_timeout` is cut
/// off: TCP cannot see that one stream's window is empty.
async fn send_chunk(
    stream: &mut SendStream<Bytes>,
    mut chunk: Bytes,
    is_last: bool,
    stall_timeout: Duration,
    waker: &PausableWaker,
) -> Result<(), Reason> {
    while !chunk.is_empty() {
        // Capacity that is there at once is seen at once, and no reason to be woken.
        waker.pause();
        stream.reserve_capacity(chunk.len());
        waker.resume();
        let capacity = match stream.capacity() {
            0 => match timeout(stall_timeout, poll_fn(|cx| stream.poll_capacity(cx))).await {
                Err(_) => return Err(Reason::CANCEL),
                // Reset or closed: there is no one left to send to.
                Ok(None | Some(Err(_))) => return Ok(()),
                Ok(Some(Ok(capacity))) => capacity,
            },
            capacity => capacity,
        };
        let now = chunk.split_to(capacity.min(chunk.len()));
        let ends = is_last && chunk.is_empty();
        if stream.send_data(now, ends).is_err() || ends {
            return Ok(());
        }
    }
    if is_last {
        let _ = stream.send_data(Bytes::new(), true);
    }
    Ok(())
}
