//! One HTTP/2 connection: accepts streams, runs their exchanges, keeps it alive, drains it.
//!
//! One task runs the whole connection, so a message for several of its streams becomes one write.

use std::{
    future::{Future, poll_fn},
    mem::take,
    net::SocketAddr,
    pin::{Pin, pin},
    rc::Rc,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use actix_http::{Payload, Request, Response, body::BoxBody};
use actix_service::Service;
use actix_web::http::Method;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream::FuturesUnordered};
use h2::{Reason, server::SendResponse};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, Sleep, sleep_until, timeout},
};

use super::{
    exchange::{Exchange, ExchangeEnd, payload},
    head::fill_request,
    keep_alive::KeepAlive,
    limits::{self, HANDSHAKE_TIMEOUT},
    pausable_waker::PausableWaker,
    tap::{Overhead, StreamCounter, StreamTable, Tap},
    unread_answers::UnreadAnswers,
};
use crate::{
    limits::refusals::{RefusalCounters, RefusalReason},
    net::connection::ConnectionHandle,
};

/// Connects each request of a connection to the connection's owner.
pub trait ConnectionHost {
    /// Adds the connection's data to the request's extensions, for the service, and returns the counter of the
    /// stream's bytes and the handle that may abort it.
    fn begin(&self, request: &mut Request) -> (Rc<dyn StreamCounter>, ConnectionHandle);

    /// The counters for refusals by the connection's limits.
    fn refusals(&self) -> &Arc<RefusalCounters>;
}

/// The timeouts of a connection.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// Without a stream.
    pub keep_alive: Duration,
    /// How long a stream may have data that its client does not take.
    pub stall: Duration,
}

/// Serves a connection until both sides are done with it. When `shutdown` completes, it sends GOAWAY; streams then
/// end by themselves, and the connection ends with its last stream.
///
/// # Errors
///
/// If the client breaks the protocol, or is gone.
pub async fn serve<Io, S>(
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
    S: Service<Request, Response = Response<BoxBody>>,
    S::Error: Into<Response<BoxBody>>,
{
    let table = Rc::new(StreamTable::new(host.refusals().clone()));
    let tap = Tap::new(io, table.clone(), overhead);
    // Boxed, so that its state is freed when it is done.
    let handshake = Box::pin(limits::builder().handshake(tap));
    let Ok(connection) = timeout(HANDSHAKE_TIMEOUT, handshake).await else {
        host.refusals().count(RefusalReason::Handshake);
        return Err(Reason::SETTINGS_TIMEOUT.into());
    };
    let mut dispatcher = Dispatcher::new(connection?, table, timeouts, peer, service, host);
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

struct Dispatcher<'a, Io, S, H>
where
    Io: AsyncRead + AsyncWrite + Unpin,
    S: Service<Request>,
{
    connection: h2::server::Connection<Tap<Io>, Bytes>,
    /// The waker of the connection's task.
    waker: Arc<PausableWaker>,
    table: Rc<StreamTable>,
    exchanges: FuturesUnordered<Exchange<S::Future>>,
    unread: Rc<UnreadAnswers>,
    keep_alive: Option<KeepAlive>,
    /// When the last known stream began or ended.
    last_used: Instant,
    was_used: bool,
    /// Set while no stream is open.
    idle: Option<Pin<Box<Sleep>>>,
    is_draining: bool,
    timeouts: Timeouts,
    peer: Option<SocketAddr>,
    service: &'a S,
    host: &'a H,
}

impl<'a, Io, S, H> Dispatcher<'a, Io, S, H>
where
    Io: AsyncRead + AsyncWrite + Unpin,
    S: Service<Request, Response = Response<BoxBody>>,
    S::Error: Into<Response<BoxBody>>,
    H: ConnectionHost,
{
    /// A separate function, because the async function would hold space for the connection twice.
    fn new(
        mut connection: h2::server::Connection<Tap<Io>, Bytes>,
        table: Rc<StreamTable>,
        timeouts: Timeouts,
        peer: Option<SocketAddr>,
        service: &'a S,
        host: &'a H,
    ) -> Self {
        let keep_alive = connection.ping_pong().map(KeepAlive::new);
        Self {
            connection,
            waker: Arc::default(),
            table,
            exchanges: FuturesUnordered::new(),
            unread: Rc::default(),
            keep_alive,
            last_used: Instant::now(),
            was_used: false,
            idle: None,
            is_draining: false,
            timeouts,
            peer,
            service,
            host,
        }
    }

    /// Sends GOAWAY; `h2` sends the second, with the last stream, once the client has seen the first.
    fn drain(&mut self) {
        self.is_draining = true;
        self.connection.graceful_shutdown();
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), h2::Error>> {
        let waker = self.waker.waker_for(cx);
        let own = &mut Context::from_waker(&waker);
        loop {
            // Polled before the connection, so that one flush sends everything the exchanges have to send.
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
                // The set asks to be polled again after it has polled each of its futures, whether or not one is
                // ready.
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

    /// Closes a connection that had no stream for the keep-alive time.
    fn poll_idle(&mut self, cx: &mut Context<'_>) {
        if !self.exchanges.is_empty() || self.is_draining {
            self.was_used = true;
            // Streams stay open for hours, and need no idle timer.
            self.idle = None;
            return;
        }
        if take(&mut self.was_used) {
            self.last_used = Instant::now();
        }
        let due = self.last_used + self.timeouts.keep_alive;
        let idle = self.idle.get_or_insert_with(|| Box::pin(sleep_until(due)));
        while idle.as_mut().poll(cx).is_ready() {
            if due <= Instant::now() {
                self.host.refusals().count(RefusalReason::Idle);
                self.drain();
                // GOAWAY is written at the next turn.
                cx.waker().wake_by_ref();
                return;
            }
            // There were streams since the timer was set. Resetting it for each stream would cost more.
            idle.as_mut().reset(due);
        }
    }

    fn accept(&mut self, request: http::Request<h2::RecvStream>, mut respond: SendResponse<Bytes>) {
        self.was_used = true;
        let stream = u32::from(respond.stream_id());
        let (parts, body) = request.into_parts();
        // No handler reads the body of a GET, and unread bytes would take up the window that all streams share.
        let has_body = !matches!(parts.method, http::Method::GET | http::Method::HEAD);
        let body = has_body.then_some(body).map_or(Payload::None, payload);
        let mut request = Request::with_payload(body);
        if fill_request(&mut request, parts).is_none() {
            return respond.send_reset(Reason::PROTOCOL_ERROR);
        }
        request.head_mut().peer_addr = self.peer;
        let (counter, handle) = self.host.begin(&mut request);
        self.table.attach(stream, counter);
        let is_head = *request.method() == Method::HEAD;
        let call = self.service.call(request);
        let stall_timeout = self.timeouts.stall;
        let unread = self.unread.clone();
        let exchange = Exchange::new(call, respond, is_head, handle, unread, stall_timeout);
        self.exchanges.push(exchange);
    }
}
