//! One request and its answer on one stream.
//!
//! Handler and body are dropped as soon as the client resets the stream. Back-pressure is per stream: the exchange
//! polls the body for more only when the client's window has taken the previous chunk. So a stalled stream holds one
//! chunk and does not delay other streams.
//!
//! The future is written by hand. An async function keeps its arguments as well as the values made from them, in each
//! layer, and a stream would keep all of them for the hours that it is open.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    rc::Rc,
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
use futures_util::Stream;
use h2::{Reason, RecvStream, SendStream, server::SendResponse};
use tokio::time::{Sleep, sleep};

use super::{
    head,
    pausable_waker::PausableWaker,
    unread_answers::{UnreadAnswer, UnreadAnswers},
};
use crate::net::connection::{AbortWatch, ConnectionHandle};

/// Parts of a sized body are gathered up to this size before they become a DATA frame.
const GATHER_BYTES: usize = 16 * 1024;

/// Converts the body of a request for actix-web.
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

/// What the end of an exchange means to its connection.
pub enum ExchangeEnd {
    /// Answered, or reset by either side.
    Stream,
    /// The connection must end with it.
    Connection,
}

/// Answers one request. `F` is the service's call.
pub struct Exchange<F> {
    state: ExchangeState<F>,
    handle: ConnectionHandle,
    abort: AbortWatch,
    unread: Rc<UnreadAnswers>,
    stall_timeout: Duration,
}

/// The call of the service, then the transfer of the answer's body.
enum ExchangeState<F> {
    Calling {
        call: Pin<Box<F>>,
        respond: SendResponse<Bytes>,
        is_head: bool,
    },
    Sending(BodyTransfer),
}

impl<F, E> Exchange<F>
where
    F: Future<Output = Result<Response<BoxBody>, E>>,
    E: Into<Response<BoxBody>>,
{
    /// `handle` may abort the stream. The answer is made once there is room among the connection's `unread` answers.
    /// `stall_timeout` is how long the client may take for the rest of a chunk once its window is empty.
    pub fn new(
        call: F,
        respond: SendResponse<Bytes>,
        is_head: bool,
        handle: ConnectionHandle,
        unread: Rc<UnreadAnswers>,
        stall_timeout: Duration,
    ) -> Self {
        Self {
            state: ExchangeState::Calling {
                call: Box::pin(call),
                respond,
                is_head,
            },
            handle,
            abort: AbortWatch::default(),
            unread,
            stall_timeout,
        }
    }

    /// The error is the reason with which to reset the stream.
    fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Reason>> {
        if let ExchangeState::Calling {
            call,
            respond,
            is_head,
        } = &mut self.state
        {
            let called = match self.unread.poll_room(cx) {
                Poll::Ready(()) => call.as_mut().poll(cx),
                Poll::Pending => Poll::Pending,
            };
            let Poll::Ready(called) = called else {
                // After a reset, the client does not want the answer any more.
                return respond.poll_reset(cx).map(|_| Ok(()));
            };
            let response = called.unwrap_or_else(Into::into);
            let Some(sending) = BodyTransfer::begin(response, respond, *is_head, &self.unread)
            else {
                return Poll::Ready(Ok(()));
            };
            self.state = ExchangeState::Sending(sending);
        }
        match &mut self.state {
            ExchangeState::Sending(sending) => sending.poll(self.stall_timeout, cx),
            ExchangeState::Calling { .. } => Poll::Pending,
        }
    }

    fn reset(&mut self, reason: Reason) {
        match &mut self.state {
            ExchangeState::Calling { respond, .. } => respond.send_reset(reason),
            ExchangeState::Sending(sending) => sending.stream.send_reset(reason),
        }
    }
}

impl<F, E> Future for Exchange<F>
where
    F: Future<Output = Result<Response<BoxBody>, E>>,
    E: Into<Response<BoxBody>>,
{
    type Output = ExchangeEnd;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<ExchangeEnd> {
        let this = self.get_mut();
        // A panic ends only this stream.
        let polled = catch_unwind(AssertUnwindSafe(|| this.poll_answer(cx)));
        match polled.unwrap_or(Poll::Ready(Err(Reason::INTERNAL_ERROR))) {
            Poll::Ready(answered) => {
                if let Err(reason) = answered {
                    this.reset(reason);
                }
                Poll::Ready(ExchangeEnd::Stream)
            }
            Poll::Pending => {
                ready!(this.abort.poll(&this.handle, cx));
                Poll::Ready(if this.handle.is_reset_on_close() {
                    // Dropping the exchange resets only this stream.
                    ExchangeEnd::Stream
                } else {
                    ExchangeEnd::Connection
                })
            }
        }
    }
}

/// The transfer of a body whose head has been sent.
struct BodyTransfer {
    body: BoxBody,
    stream: SendStream<Bytes>,
    /// The remaining bytes of a sized body.
    left: Option<u64>,
    /// The body's last chunk, as far as the client's window has not taken it yet.
    chunk: Bytes,
    /// The bytes of the chunk that the client has taken since `stall` was last reset.
    taken: usize,
    /// Whether this chunk is the last of a sized body.
    is_last: bool,
    /// Set once the body was pending.
    waker: Option<Arc<PausableWaker>>,
    /// Set while the client's window is empty.
    stall: Option<Pin<Box<Sleep>>>,
    /// Counts a sized body while it is in memory.
    _unread: Option<UnreadAnswer>,
}

impl BodyTransfer {
    /// Sends the head. `None` if that is all, or if the stream is closed already.
    fn begin(
        response: Response<BoxBody>,
        respond: &mut SendResponse<Bytes>,
        is_head: bool,
        unread: &Rc<UnreadAnswers>,
    ) -> Option<Self> {
        let (response, body) = response.into_parts();
        let size = body.size();
        let is_empty = is_head || matches!(size, BodySize::None | BodySize::Sized(0));
        let head = head::response(response.head(), size);
        let stream = respond.send_response(head, is_empty).ok()?;
        let left = match size {
            BodySize::Sized(bytes) => Some(bytes),
            BodySize::Stream | BodySize::None => None,
        };
        (!is_empty).then(|| Self {
            body,
            stream,
            left,
            chunk: Bytes::new(),
            taken: 0,
            is_last: false,
            waker: None,
            stall: None,
            _unread: left.map(|bytes| unread.clone().hold(bytes)),
        })
    }

    fn poll(&mut self, stall_timeout: Duration, cx: &mut Context<'_>) -> Poll<Result<(), Reason>> {
        loop {
            if !self.chunk.is_empty() {
                let is_open = ready!(self.poll_send(stall_timeout, cx))?;
                if !is_open || self.is_last {
                    return Poll::Ready(Ok(()));
                }
            }
            let gather = self.left.is_some();
            let chunk = match next_chunk(Pin::new(&mut self.body), gather, cx) {
                Poll::Ready(Some(chunk)) => chunk.map_err(|()| Reason::INTERNAL_ERROR)?,
                Poll::Ready(None) if gather => return Poll::Ready(Err(Reason::INTERNAL_ERROR)),
                Poll::Ready(None) => {
                    // A body without a length ends with an empty frame; a sized body ended with its last chunk.
                    let _ = self.stream.send_data(Bytes::new(), true);
                    return Poll::Ready(Ok(()));
                }
                Poll::Pending => {
                    let waker = self.waker.get_or_insert_default().waker_for(cx);
                    let reset = self.stream.poll_reset(&mut Context::from_waker(&waker));
                    return reset.map(|_| Ok(()));
                }
            };
            if let Some(left) = &mut self.left {
                *left = left
                    .checked_sub(chunk.len() as u64)
                    .ok_or(Reason::INTERNAL_ERROR)?;
                self.is_last = *left == 0;
            }
            self.chunk = chunk;
        }
    }

    /// Sends the chunk as the client's window allows. Ready with `false` if the stream is closed. Once the window is
    /// empty, the client has `stall_timeout` to take [`GATHER_BYTES`] or the rest of the chunk, or the stream is reset:
    /// TCP cannot see that one stream's window is empty.
    fn poll_send(
        &mut self,
        stall_timeout: Duration,
        cx: &mut Context<'_>,
    ) -> Poll<Result<bool, Reason>> {
        // A client that takes a few bytes at a time, to keep the answer in memory, stalls as well.
        while !self.chunk.is_empty() {
            self.reserve();
            let capacity = self.stream.capacity();
            if capacity == 0 {
                match self.stream.poll_capacity(cx) {
                    // The reported capacity may have been used already.
                    Poll::Ready(Some(Ok(_))) => continue,
                    Poll::Ready(None | Some(Err(_))) => return Poll::Ready(Ok(false)),
                    Poll::Pending => {}
                }
                let stall = self
                    .stall
                    .get_or_insert_with(|| Box::pin(sleep(stall_timeout)));
                ready!(stall.as_mut().poll(cx));
                return Poll::Ready(Err(Reason::CANCEL));
            }
            let now = self.chunk.split_to(capacity.min(self.chunk.len()));
            self.taken += now.len();
            if self.taken >= GATHER_BYTES {
                self.taken = 0;
                self.stall = None;
            }
            let ends = self.is_last && self.chunk.is_empty();
            if self.stream.send_data(now, ends).is_err() {
                return Poll::Ready(Ok(false));
            }
        }
        self.taken = 0;
        self.stall = None;
        Poll::Ready(Ok(true))
    }

    fn reserve(&mut self) {
        // Capacity that is available at once is seen at once, so it need not wake the task.
        if let Some(waker) = &self.waker {
            waker.pause();
        }
        self.stream.reserve_capacity(self.chunk.len());
        if let Some(waker) = &self.waker {
            waker.resume();
        }
    }
}

/// The body's next chunk; if `gather`, with all further parts that are ready, up to a frame's size.
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
