//! One HTTP/2 connection: accepts streams, runs their exchanges, keeps it alive, drains it.
//!
//! Everything of a connection runs in one task, so a message for several of its streams becomes one
//! write.

use std::{
    future::{Future, poll_fn},
    net::SocketAddr,
    pin::{Pin, pin},
    rc::Rc,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use actix_http::{
    Request, Response,
    body::{BoxBody, MessageBody},
};
use actix_service::Service;
use actix_web::http::Method;
use bytes::Bytes;
use futures_util::{StreamExt as _, future::LocalBoxFuture, stream::FuturesUnordered};
use h2::{Reason, server::SendResponse};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, Sleep, sleep, timeout},
};

use super::{
    exchange,
    head::fill_request,
    keep_alive::KeepAlive,
    limits::{self, HANDSHAKE_TIMEOUT},
    pausable_waker::PausableWaker,
    tap::{Overhead, StreamCounter, StreamTable, Tap},
};
use crate::{
    limits::refusals::{RefusalCounters, RefusalReason},
    net::connection::ConnectionHandle,
};

/// What the owner of a connection adds to each of its requests.
pub trait ConnectionHost {
    /// Puts what the service expects of a connection into the request's extensions, and returns what
    /// counts the stream's bytes and what may abort it.
    fn begin(&self, request: &mut Request) -> (Rc<dyn StreamCounter>, ConnectionHandle);

    /// Where to count what the connection's limits refuse.
    fn refusals(&self) -> &Arc<RefusalCounters>;
}

/// How long a connection may do what.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// Without a stream.
    pub keep_alive: Duration,
    /// Without the client taking anything of a stream that has something for it.
    pub stall: Duration,
}

/// Serves a connection until both sides are done with it. `shutdown` is when to send GOAWAY: streams
/// then end by themselves, and the connection with the last of them.
///
/// # Errors
///
/// What the client did wrong, or that it is gone.
pub async fn serve<Io, S, B>(
    io: Io,
    overhead: Option<Overhead>,
    peer: Option<SocketAddr>,
    service: &S,
    host: &impl ConnectionHost,
    timeouts: Timeouts,
    shutdown: impl Future<Output = ()>,
) -> Result<(), h2::Error>
where
    Io: AsyncRead + AsyncWrite + Unpin,
    S: Service<Request>,
    S::Future: 'static,
    S::Error: Into<Response<BoxBody>> + 'static,
    S::Response: Into<Response<B>> + 'static,
    B: MessageBody + 'static,
{
    let table = Rc::new(StreamTable::new(host.refusals().clone()));
    let tap = Tap::new(io, table.clone(), overhead);
    // A box, so that its state is gone when it is done.
    let handshake = Box::pin(limits::builder().handshake(tap));
    let Ok(connection) = timeout(HANDSHAKE_TIMEOUT, handshake).await else {
        host.refusals().count(RefusalReason::Handshake);
        return Err(Reason::SETTINGS_TIMEOUT.into());
    };
    let mut connection = connection?;
    let keep_alive = connection.ping_pong().map(KeepAlive::new);
    let mut dispatcher = Dispatcher {
        connection,
        waker: Arc::default(),
        table,
        exchanges: FuturesUnordered::new(),
        keep_alive,
        idle: Box::pin(sleep(timeouts.keep_alive)),
        is_idle: true,
        is_draining: false,
        timeouts,
        peer,
        service,
        host,
    };
    let mut shutdown = pin!(shutdown);
    poll_fn(|cx| {
        if !dispatcher.is_draining && shutdown.as_mut().poll(cx).is_ready() {
            dispatcher.drain();
        }
        dispatcher.poll(cx)
    })
    .await
}

/// How often the exchanges are polled again in one turn of their connection, at most.
const MAX_TURNS: u32 = 3;

/// What the end of an exchange means to its connection.
enum ExchangeEnd {
    /// Answered, or reset by either side.
    Stream,
    /// The connection must end with it.
    Connection,
}

struct Dispatcher<'a, Io, S, H>
where
    Io: AsyncRead + AsyncWrite + Unpin,
{
    connection: h2::server::Connection<Tap<Io>, Bytes>,
    /// Of the connection's task.
    waker: Arc<PausableWaker>,
    table: Rc<StreamTable>,
    exchanges: FuturesUnordered<LocalBoxFuture<'static, ExchangeEnd>>,
    keep_alive: Option<KeepAlive>,
    idle: Pin<Box<Sleep>>,
    is_idle: bool,
    is_draining: bool,
    timeouts: Timeouts,
    peer: Option<SocketAddr>,
    service: &'a S,
    host: &'a H,
}

impl<Io, S, H> Dispatcher<'_, Io, S, H>
where
    Io: AsyncRead + AsyncWrite + Unpin,
    H: ConnectionHost,
{
    /// Sends GOAWAY; `h2` sends the second, with the last stream, once the client has seen the first.
    fn drain(&mut self) {
        self.is_draining = true;
        self.connection.graceful_shutdown();
    }

    fn poll<B>(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), h2::Error>>
    where
        S: Service<Request>,
        S::Future: 'static,
        S::Error: Into<Response<BoxBody>> + 'static,
        S::Response: Into<Response<B>> + 'static,
        B: MessageBody + 'static,
    {
        let waker = self.waker.waker_for(cx);
        let own = &mut Context::from_waker(&waker);
        loop {
            // Exchanges first: what they have to send goes out with one flush of the connection below.
            if let ExchangeEnd::Connection = self.poll_exchanges(own) {
                return Poll::Ready(Err(Reason::CANCEL.into()));
            }
            match self.connection.poll_accept(own) {
                Poll::Ready(Some(accepted)) => {
                    let (request, respond) = accepted?;
                    self.accept(request, respond);
                }
                Poll::Ready(None) => return Poll::Ready(Ok(())),
                Poll::Pending => break,
            }
        }
        if let Some(keep_alive) = &mut self.keep_alive
            && keep_alive.poll(cx)?.is_ready()
        {
            return Poll::Ready(Err(Reason::NO_ERROR.into()));
        }
        self.poll_idle(cx);
        Poll::Pending
    }

    /// Runs the exchanges until all of them wait. The connection must be polled afterwards.
    fn poll_exchanges(&mut self, own: &mut Context<'_>) -> ExchangeEnd {
        self.waker.pause();
        let mut turns = 0;
        let end = loop {
            match self.exchanges.poll_next_unpin(own) {
                Poll::Ready(Some(ExchangeEnd::Connection)) => break ExchangeEnd::Connection,
                Poll::Ready(Some(ExchangeEnd::Stream)) => {}
                Poll::Ready(None) => break ExchangeEnd::Stream,
                // It wants to be polled again when it has polled each of its futures, whether or not one is ready.
                Poll::Pending if turns < MAX_TURNS && self.waker.take_woken() => turns += 1,
                Poll::Pending => break ExchangeEnd::Stream,
            }
        };
        self.waker.resume();
        // Other connections come first.
        if self.waker.take_woken() {
            own.waker().wake_by_ref();
        }
        end
    }

    /// Lets a connection go that had no stream for the keep-alive time.
    fn poll_idle(&mut self, cx: &mut Context<'_>) {
        let was_idle = std::mem::replace(&mut self.is_idle, self.exchanges.is_empty());
        if !self.is_idle || self.is_draining {
            return;
        }
        if !was_idle {
            let due = Instant::now() + self.timeouts.keep_alive;
            self.idle.as_mut().reset(due);
        }
        if self.idle.as_mut().poll(cx).is_ready() {
            self.host.refusals().count(RefusalReason::Idle);
            self.drain();
            // GOAWAY is written at the next turn.
            cx.waker().wake_by_ref();
        }
    }

    fn accept<B>(
        &mut self,
        request: http::Request<h2::RecvStream>,
        mut respond: SendResponse<Bytes>,
    ) where
        S: Service<Request>,
        S::Future: 'static,
        S::Error: Into<Response<BoxBody>> + 'static,
        S::Response: Into<Response<B>> + 'static,
        B: MessageBody + 'static,
    {
        let stream = u32::from(respond.stream_id());
        let (parts, body) = request.into_parts();
        let mut request = Request::with_payload(exchange::payload(body));
        if fill_request(&mut request, parts).is_none() {
            return respond.send_reset(Reason::PROTOCOL_ERROR);
        }
        request.head_mut().peer_addr = self.peer;
        let (counter, handle) = self.host.begin(&mut request);
        self.table.attach(stream, counter);
        let is_head = *request.method() == Method::HEAD;
        let call = self.service.call(request);
        // A box of its own: each future that it passes through would have room for it again.
        let answer = exchange::answer(call, respond, is_head, self.timeouts.stall);
        let answer = Box::pin(answer);
        self.exchanges.push(Box::pin(async move {
            match handle.run_until_aborted(answer).await {
                Some(()) => ExchangeEnd::Stream,
                // Dropping the answer reset the stream, as was asked for it alone.
                None if handle.is_reset_on_close() => ExchangeEnd::Stream,
                None => ExchangeEnd::Connection,
            }
        }));
    }
}
