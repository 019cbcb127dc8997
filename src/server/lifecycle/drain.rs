//! A stop that is spread over time, so that a server's readers do not all arrive at the next one in
//! the same instant.
//!
//! Each connection has a moment of its own to go, at random within the time there is. It is not kept
//! anywhere: it follows from the connection's descriptor, which no other open connection has.

use std::{
    future::Future,
    hash::{BuildHasher as _, RandomState},
    net::{Shutdown, TcpListener},
    os::fd::{AsRawFd as _, RawFd},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use actix_server::ServerHandle;
use parking_lot::Mutex;
use socket2::SockRef;
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use crate::{
    ledger::{Ledger, connection::Connection},
    log::Log,
};

/// How often it is looked whether anybody is still there.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// What `EventSource` is told to wait as its stream ends, milliseconds: 1000 on average.
const RETRY_MS: std::ops::RangeInclusive<u64> = 500..=1500;

/// Whether the server stops, and until when.
#[derive(Default)]
pub struct Drain {
    /// Asked with every poll, so without the lock.
    is_on: AtomicBool,
    over: Mutex<Option<Over>>,
    chance: RandomState,
}

/// The time over which connections go.
#[derive(Clone, Copy)]
struct Over {
    from: Instant,
    span: Duration,
    /// They were given time at first: those who are left at its end went as part of a spread, too.
    is_spread: bool,
}

impl Drain {
    /// Whether the server stops.
    pub fn is_on(&self) -> bool {
        self.is_on.load(Ordering::Acquire)
    }

    /// Connections are to go within `span` from now.
    fn begin(&self, span: Duration) {
        let mut over = self.over.lock();
        *over = Some(Over {
            from: Instant::now(),
            span,
            is_spread: !span.is_zero() || over.is_some_and(|before| before.is_spread),
        });
        drop(over);
        self.is_on.store(true, Ordering::Release);
    }

    /// Whether `connection` is to go after its present answer.
    pub fn has_come(&self, connection: &Connection) -> bool {
        self.is_on()
            && self
                .moment(descriptor(connection))
                .is_some_and(|at| at <= Instant::now())
    }

    /// When the connection is to go; `None` as long as the server does not stop.
    fn moment(&self, descriptor: RawFd) -> Option<Instant> {
        let Over { from, span, .. } = (*self.over.lock())?;
        let share = self.chance(descriptor) as u32;
        Some(from + span.mul_f64(f64::from(share) / f64::from(u32::MAX)))
    }

    fn chance(&self, descriptor: RawFd) -> u64 {
        self.chance.hash_one(descriptor)
    }
}

/// A reader's own moment to go.
pub struct Parting {
    drain: Arc<Drain>,
    descriptor: RawFd,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Parting {
    pub fn new(drain: Arc<Drain>, connection: &Connection) -> Self {
        Self {
            drain,
            descriptor: descriptor(connection),
            timer: None,
        }
    }

    /// When the reader is to go; `None` as long as the server does not stop.
    pub fn moment(&self) -> Option<Instant> {
        self.drain.moment(self.descriptor)
    }

    /// Done when the reader is to go. To be asked once the server stops.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(at) = self.moment() else {
            return Poll::Pending;
        };
        if at <= Instant::now() {
            return Poll::Ready(());
        }
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(at)));
        timer.as_mut().poll(cx)
    }

    /// How long the reader is to wait before it comes back, milliseconds; `None` where no time was
    /// given to spread readers over.
    pub fn retry_ms(&self) -> Option<u64> {
        let Over { is_spread, .. } = (*self.drain.over.lock())?;
        let width = RETRY_MS.end() - RETRY_MS.start() + 1;
        let chance = self.drain.chance(self.descriptor) >> 32;
        is_spread.then(|| RETRY_MS.start() + chance % width)
    }
}

fn descriptor(connection: &Connection) -> RawFd {
    // A connection that has given up its socket has no moment to wait for that matters.
    connection
        .with_socket(|socket| socket.as_raw_fd())
        .unwrap_or_default()
}

/// What takes part in a stop.
pub struct Stop {
    pub drain: Arc<Drain>,
    pub log: Arc<Log>,
    pub ledger: Arc<Ledger>,
    pub server: ServerHandle,
    /// The listening socket.
    pub listener: TcpListener,
}

impl Stop {
    /// Takes no more connections, ends all readers over `span`, or as soon as `at_once` is done, and
    /// then the server.
    pub async fn over(self, span: Duration, at_once: impl Future<Output = ()>) {
        self.end_readers(span);
        if !span.is_zero() {
            self.ledger.lines.note(
                "draining",
                format_args!("readers leave within {}", humantime::format_duration(span)),
            );
            self.refuse_connections().await;
            tokio::select! {
                () = sleep(span) => {}
                () = self.all_gone() => {}
                () = at_once => {}
            }
            self.end_readers(Duration::ZERO);
        }
        self.server.stop(true).await;
    }

    fn end_readers(&self, span: Duration) {
        // In this order: a reader that is rung asks when it is to go.
        self.drain.begin(span);
        self.log.end_readers();
    }

    /// Refuses connections, rather than leaving them to wait in a queue that nobody empties.
    async fn refuse_connections(&self) {
        self.server.pause().await;
        // Where the system cannot do that, they wait until the server ends.
        let _ = SockRef::from(&self.listener).shutdown(Shutdown::Both);
    }

    async fn all_gone(&self) {
        while self.ledger.figures().iter().any(|(_, f)| f.open > 0) {
            sleep(LOOK_EVERY).await;
        }
    }
}
