//! A connection as long as it is served here: request by request, then perhaps a stream to its end.

mod request;
mod response;
mod stream;

use std::{
    future::{Future, poll_fn},
    io,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio_util::sync::CancellationToken;

use self::{
    request::{ParsedRequest, PlainRequest, parse_request},
    response::{write_poll, write_problem},
    stream::StreamWriter,
};
use crate::{
    delivery::{
        Delivery,
        event_stream::EventStream,
        poll::{IfNoneMatch, PollOutcome, PollResponse},
        problem::Problem,
        read_query::ReadQuery,
    },
    domain::transport::Transport,
    ledger::{connection_meter::ConnectionMeter, request_recorder::RequestRecorder},
    net::{
        connection::ConnectionHandle,
        half_closed::{HalfClosed, Peer},
        timeouts::ConnectionTimeouts,
    },
};

/// What is read at once: more than a poll's head.
const READ_BYTES: usize = 2048;
/// What is read ahead while a request waits for its answer.
const MAX_PIPELINED_BYTES: usize = 8 * 1024;
/// What is copied of an answer for one write; the rest stays shared until there is room.
const WRITE_BYTES: usize = poll_vs_sse_model::server_limits::WRITE_BYTES;

/// The accelerator of all connections.
pub struct FastPath {
    is_on: bool,
    delivery: Arc<Delivery>,
    /// Connections that wait for a request must close.
    stopping: CancellationToken,
    keep_alive: Duration,
}

impl FastPath {
    pub fn new(
        is_on: bool,
        delivery: Arc<Delivery>,
        stopping: CancellationToken,
        keep_alive: Duration,
    ) -> Self {
        Self {
            is_on,
            delivery,
            stopping,
            keep_alive,
        }
    }

    /// Serves the connection for as long as it can. `Some`: HTTP must go on with it, and with the
    /// bytes that were read.
    pub async fn serve<Io: AsyncRead + AsyncWrite + Peer + Unpin>(
        &self,
        io: Io,
        connection: &ConnectionHandle,
        meter: &ConnectionMeter,
    ) -> Option<(Io, Bytes)> {
        if !self.is_on {
            return Some((io, Bytes::new()));
        }
        let requests = FastConnection {
            path: self,
            io,
            connection,
            meter,
            timeouts: ConnectionTimeouts::new(self.keep_alive),
            active: false,
            input: BytesMut::new(),
            output: Vec::new(),
            half_closed: None,
            sent_ahead: 0,
        };
        // Boxed, so that its memory is free again while a stream runs, or HTTP.
        match Box::pin(requests.serve_requests()).await {
            Continuation::Http(io, input) => return Some((io, input)),
            Continuation::Stream(stream) => stream.await,
            Continuation::End => {}
        }
        None
    }
}

/// What comes after the requests that were served one by one.
enum Continuation<Io> {
    Http(Io, Bytes),
    Stream(Box<StreamWriter<Io>>),
    End,
}

/// A connection that is served request by request.
struct FastConnection<'a, Io> {
    path: &'a FastPath,
    io: Io,
    connection: &'a ConnectionHandle,
    meter: &'a ConnectionMeter,
    timeouts: ConnectionTimeouts,
    /// Something crossed since the timeouts were last asked.
    active: bool,
    input: BytesMut,
    output: Vec<u8>,
    /// The client has ended its side.
    half_closed: Option<HalfClosed>,
    /// Bytes of the present answer that were sent ahead.
    sent_ahead: usize,
}

impl<Io: AsyncRead + AsyncWrite + Peer + Unpin> FastConnection<'_, Io> {
    async fn serve_requests(mut self) -> Continuation<Io> {
        loop {
            let (request, length) = match parse_request(&self.input) {
                ParsedRequest::Other => {
                    return Continuation::Http(self.io, self.input.freeze());
                }
                ParsedRequest::Partial if self.wait_for_input().await => continue,
                ParsedRequest::Partial => return Continuation::End,
                ParsedRequest::Plain(request, length) => (request, length),
            };
            self.input.advance(length);
            let recorder = RequestRecorder::begin(self.meter);
            let is_open = match request {
                PlainRequest::Poll(query, if_none_match) => {
                    self.answer_poll(query, if_none_match, recorder).await
                }
                PlainRequest::Stream(query) => match self.open_stream(&query, &recorder).await {
                    Some(Ok(events)) => {
                        recorder.set_status(200);
                        recorder.begin_stream();
                        let stream = StreamWriter::new(self.io, events, recorder, self.sent_ahead);
                        return Continuation::Stream(Box::new(stream));
                    }
                    Some(Err(problem)) => self.answer_problem(&problem, recorder).await,
                    None => false,
                },
            };
            if !is_open {
                return Continuation::End;
            }
        }
    }

    /// Waits for more of a request. False: none will come, or not in time.
    async fn wait_for_input(&mut self) -> bool {
        let mut stopping = pin!(self.path.stopping.cancelled());
        poll_fn(|cx| {
            if stopping.as_mut().poll(cx).is_ready() {
                return Poll::Ready(false);
            }
            if let Poll::Ready(read) = self.poll_input(cx) {
                return Poll::Ready(matches!(read, Ok(1..)));
            }
            let active = std::mem::take(&mut self.active);
            let in_head = self.meter.is_awaiting_head();
            let expired = self.timeouts.poll_expired(active, in_head, cx);
            expired.map(|()| false)
        })
        .await
    }

    /// Reads what there is. 0 bytes: the client has ended its side.
    fn poll_input(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.input.reserve(READ_BYTES);
        let read = ready!(pin!(self.io.read_buf(&mut self.input)).poll(cx));
        self.active = true;
        Poll::Ready(read)
    }

    /// False: the connection is to be closed.
    async fn answer_poll(
        &mut self,
        query: ReadQuery,
        if_none_match: IfNoneMatch,
        recorder: RequestRecorder,
    ) -> bool {
        recorder.open(&query.request_info(query.poll_transport()));
        let id = self.connection.id();
        let result = match self.path.delivery.start_poll(query, if_none_match, id) {
            PollOutcome::Ready(result) => result,
            PollOutcome::Pending(pending) => match self.run_until_disconnect(pending).await {
                Some(result) => result,
                None => return false,
            },
        };
        match result {
            Ok(response) => self.answer_page(&response, recorder).await,
            Err(unavailable) => self.answer_problem(&unavailable.into(), recorder).await,
        }
    }

    async fn answer_page(&mut self, response: &PollResponse, recorder: RequestRecorder) -> bool {
        recorder.set_status(if response.page.is_some() { 200 } else { 304 });
        response.record(&recorder);
        let close = self.must_close();
        self.output.clear();
        let mut rest = write_poll(response, close, &mut self.output);
        loop {
            // What a client does not take is not copied for it.
            while self.output.len() < WRITE_BYTES
                && let Some(chunk) = rest.next()
            {
                self.output.extend_from_slice(&chunk);
            }
            if rest.len() == 0 {
                return self.finish_answer(close, recorder).await;
            }
            if !self.write_output().await {
                return false;
            }
        }
    }

    async fn answer_problem(&mut self, problem: &Problem, recorder: RequestRecorder) -> bool {
        recorder.set_status(problem.status().as_u16());
        let close = self.must_close();
        self.output.clear();
        write_problem(problem, close, &mut self.output);
        self.finish_answer(close, recorder).await
    }

    /// Writes a part of an answer, but for what was sent ahead. False: it cannot be written.
    async fn write_output(&mut self) -> bool {
        let sent_ahead = std::mem::take(&mut self.sent_ahead);
        let written = self.io.write_all(&self.output[sent_ahead..]).await;
        self.output.clear();
        written.is_ok()
    }

    /// Writes the last of an answer. False: the connection is to be closed.
    async fn finish_answer(&mut self, close: bool, recorder: RequestRecorder) -> bool {
        if !self.write_output().await {
            return false;
        }
        // The answer is complete, and what crosses the connection now is not the request's.
        drop(recorder);
        if self.io.flush().await.is_err() {
            return false;
        }
        self.active = true;
        self.timeouts.on_response();
        !close
    }

    async fn open_stream(
        &mut self,
        query: &ReadQuery,
        recorder: &RequestRecorder,
    ) -> Option<Result<EventStream, Problem>> {
        recorder.open(&query.request_info(Transport::Stream));
        let delivery = self.path.delivery.clone();
        let stream = delivery.stream(query, self.connection.id());
        let opened = self.run_until_disconnect(Box::pin(stream)).await?;
        Some(opened.map_err(Problem::from))
    }

    /// The outcome of `work`, unless the client leaves before.
    async fn run_until_disconnect<T>(
        &mut self,
        mut work: Pin<Box<dyn Future<Output = T> + '_>>,
    ) -> Option<T> {
        poll_fn(|cx| {
            if let Poll::Ready(done) = work.as_mut().poll(cx) {
                return Poll::Ready(Some(done));
            }
            while self.half_closed.is_none() && self.input.len() < MAX_PIPELINED_BYTES {
                match ready!(self.poll_input(cx)) {
                    Ok(0) => self.half_closed = Some(HalfClosed::new(false)),
                    Ok(_) => {}
                    Err(_) => return Poll::Ready(None),
                }
            }
            let Some(half_closed) = &mut self.half_closed else {
                return Poll::Pending;
            };
            let is_answering = self.sent_ahead > 0;
            half_closed
                .poll_gone(&mut self.io, is_answering, &mut self.sent_ahead, cx)
                .map(|()| None)
        })
        .await
    }

    /// Whether the present answer is the connection's last, as the server stops.
    fn must_close(&self) -> bool {
        self.path.stopping.is_cancelled() || self.path.delivery.drain.is_due(self.connection.id())
    }
}
