//! One worker's connections in the accelerator: each has a place in a slab, and one task serves them all. The task
//! runs each connection whose socket, room, timer or read of the log is ready; see [`connection`](super::connection).

use std::{
    collections::VecDeque,
    convert::Infallible,
    future::{Future, poll_fn},
    hint::black_box,
    io,
    os::fd::AsRawFd as _,
    pin::{Pin, pin},
    rc::Rc,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::BytesMut;
use mio::{Events, Token, unix::SourceFd};
use slab::Slab;
use tokio::{
    io::{Interest, unix::AsyncFd},
    task::yield_now,
    time::{Instant, Sleep, sleep_until},
};
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::{
    connection::{FastConnection, NextAction},
    context::ReactorContext,
    inbox::Inbox,
    rooms::WaitingRooms,
    signals::{RaisedSignals, Signals},
    socket::ClientSocket,
    timers::{TimerSlot, Timers},
};
use crate::{
    fastpath::{AcceleratorOptions, AcceptedConnection, ForwardedConnection},
    net::connection::next_connection_id,
};

/// How many connections run before the rest of the worker has its turn.
const CONNECTIONS_A_TURN: usize = 128;
/// How many connections' memory is fetched together, shortly before they run.
const CONNECTIONS_PREFETCHED: usize = 8;
/// The most events from the system at a time.
const EVENTS: usize = 1024;

pub struct Reactor {
    inbox: Rc<Inbox>,
    forward: Rc<dyn Fn(ForwardedConnection)>,
    sockets: AsyncFd<mio::Poll>,
    events: Events,
    connections: Slab<FastConnection>,
    /// Connections that are ready to run.
    queue: VecDeque<u32>,
    timers: Timers,
    sleep: Pin<Box<Sleep>>,
    raised: RaisedSignals,
    stopping: Pin<Box<WaitForCancellationFutureOwned>>,
    has_stopped: bool,
    shared: ReactorContext,
}

impl Reactor {
    pub fn new(options: &AcceleratorOptions, inbox: Rc<Inbox>) -> io::Result<Self> {
        let signals = Arc::new(Signals::default());
        let now = Instant::now();
        Ok(Self {
            inbox,
            forward: options.forward.clone(),
            sockets: register(mio::Poll::new()?)?,
            events: Events::with_capacity(EVENTS),
            connections: Slab::new(),
            queue: VecDeque::new(),
            timers: Timers::new(),
            sleep: Box::pin(sleep_until(now)),
            raised: RaisedSignals::default(),
            stopping: Box::pin(options.stopping.clone().cancelled_owned()),
            has_stopped: false,
            shared: ReactorContext {
                gate: options.gate.clone(),
                trusts_proxies: options.trusts_proxies,
                delivery: options.delivery.clone(),
                stopping: options.stopping.clone(),
                keep_alive: options.keep_alive,
                refusals: options.refusals.clone(),
                rooms: WaitingRooms::new(signals.clone()),
                signals,
                now,
                input: BytesMut::new(),
                output: Vec::new(),
            },
        })
    }

    /// Serves incoming connections, forever.
    pub async fn run(mut self) -> Infallible {
        poll_fn(|cx| self.poll_turn(cx)).await
    }

    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<Infallible> {
        self.inbox.register(cx.waker());
        self.shared.signals.register(cx.waker());
        self.take_signals();
        self.poll_sockets(cx);
        self.poll_stopping(cx);
        self.shared.now = Instant::now();
        while let Some(accepted) = self.inbox.pop() {
            self.add(accepted);
        }
        while let Some(key) = self.timers.pop_due(self.shared.now) {
            self.connections[key as usize].timer = TimerSlot::UNSET;
            self.enqueue(key);
        }
        for _ in 0..CONNECTIONS_A_TURN / CONNECTIONS_PREFETCHED {
            self.prefetch_next();
            for _ in 0..CONNECTIONS_PREFETCHED {
                let Some(key) = self.queue.pop_front() else {
                    break;
                };
                self.run_connection(key);
            }
        }
        if !self.queue.is_empty() {
            // Continues after everything else that is ready in this worker had its turn.
            let _ = pin!(yield_now()).poll(cx);
            return Poll::Pending;
        }
        self.poll_timer(cx);
        Poll::Pending
    }

    fn take_signals(&mut self) {
        let mut raised = std::mem::take(&mut self.raised);
        self.shared.signals.take(&mut raised);
        for key in raised.connections.drain(..) {
            self.enqueue(key);
        }
        for room in raised.rooms.drain(..) {
            for &key in self.shared.rooms.readers(room) {
                enqueue(&mut self.connections, &mut self.queue, key);
            }
        }
        self.raised = raised;
    }

    fn poll_sockets(&mut self, cx: &mut Context<'_>) {
        while let Poll::Ready(Ok(mut ready)) = self.sockets.poll_read_ready_mut(cx) {
            let polled = ready
                .get_inner_mut()
                .poll(&mut self.events, Some(Duration::ZERO));
            let mut count = 0;
            for event in &self.events {
                count += 1;
                if let Some(connection) = self.connections.get_mut(event.token().0) {
                    connection.socket().on_event(event);
                    enqueue(
                        &mut self.connections,
                        &mut self.queue,
                        event.token().0 as u32,
                    );
                }
            }
            if polled.is_ok() && count < EVENTS {
                ready.clear_ready();
            }
        }
    }

    /// Once the server stops, every connection runs: those without a request must close.
    fn poll_stopping(&mut self, cx: &mut Context<'_>) {
        if !self.has_stopped && self.stopping.as_mut().poll(cx).is_ready() {
            self.has_stopped = true;
            let keys: Vec<usize> = self.connections.iter().map(|(key, _)| key).collect();
            for key in keys {
                self.enqueue(key as u32);
            }
        }
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>) {
        let Some(next) = self.timers.next() else {
            return;
        };
        if self.sleep.deadline() != next {
            self.sleep.as_mut().reset(next);
        }
        if self.sleep.as_mut().poll(cx).is_ready() {
            cx.waker().wake_by_ref();
        }
    }

    fn enqueue(&mut self, key: u32) {
        enqueue(&mut self.connections, &mut self.queue, key);
    }

    fn add(&mut self, accepted: AcceptedConnection) {
        // If either fails, the system is out of memory or descriptors: the connection is closed.
        let Ok(tcp) = accepted.tcp.into_std() else {
            return;
        };
        let slot = self.connections.vacant_entry();
        let key = slot.key();
        let interests = mio::Interest::READABLE | mio::Interest::WRITABLE;
        let registry = self.sockets.get_ref().registry();
        let fd = tcp.as_raw_fd();
        if registry
            .register(&mut SourceFd(&fd), Token(key), interests)
            .is_err()
        {
            return;
        }
        let socket = ClientSocket::new(tcp, accepted.meter);
        let id = next_connection_id();
        slot.insert(FastConnection::new(
            socket,
            id,
            accepted.permit,
            self.shared.now,
        ));
        self.enqueue(key as u32);
    }

    /// Reads a little of the data of the next connections. Between two messages of a room with many readers, the
    /// processor's caches lose this data. Reading it here makes the processor wait for all of it at once, instead of
    /// for one piece after another.
    fn prefetch_next(&self) {
        for &key in self.queue.iter().take(CONNECTIONS_PREFETCHED) {
            if let Some(connection) = self.connections.get(key as usize) {
                black_box(connection.prefetch());
            }
        }
    }

    fn run_connection(&mut self, key: u32) {
        let Some(connection) = self.connections.get_mut(key as usize) else {
            return;
        };
        connection.is_queued = false;
        match connection.run(key, &mut self.shared) {
            NextAction::Wait(None) => {}
            NextAction::Wait(Some(due)) => self.timers.set(key, &mut connection.timer, due),
            NextAction::Yield => self.enqueue(key),
            NextAction::Close => drop(self.remove(key)),
            NextAction::Forward => {
                let mut connection = self.remove(key);
                let fd = connection.socket().tcp().as_raw_fd();
                // It was registered, so this cannot fail.
                let _ = self
                    .sockets
                    .get_ref()
                    .registry()
                    .deregister(&mut SourceFd(&fd));
                if let Ok(forwarded) = connection.forward() {
                    (self.forward)(forwarded);
                }
            }
        }
        while let Some((key, seat)) = self.shared.rooms.moved.pop() {
            if let Some(connection) = self.connections.get_mut(key as usize) {
                connection.seat = Some(seat);
            }
        }
    }

    fn remove(&mut self, key: u32) -> FastConnection {
        let mut connection = self.connections.remove(key as usize);
        connection.leave_room(&mut self.shared);
        self.timers.clear(connection.timer);
        connection
    }
}

/// Makes the runtime wake the reactor when the system has events for its sockets.
fn register(sockets: mio::Poll) -> io::Result<AsyncFd<mio::Poll>> {
    // SAFETY: a `mio::Poll` owns its one descriptor until it is dropped, and here its `AsyncFd` owns it.
    let registered = unsafe { AsyncFd::register_with_interest(sockets, Interest::READABLE) };
    registered.map_err(Into::into)
}

fn enqueue(connections: &mut Slab<FastConnection>, queue: &mut VecDeque<u32>, key: u32) {
    if let Some(connection) = connections.get_mut(key as usize)
        && !std::mem::replace(&mut connection.is_queued, true)
    {
        queue.push_back(key);
    }
}
