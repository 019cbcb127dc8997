//! The state that publishers and readers share: the servers' addresses, the published messages, and counters.

use std::{
    net::SocketAddr,
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::{sync::watch, time::timeout};

use crate::record::{MessageName, PublishedMessages};

pub const ROOMS: usize = 3;
/// The longest time for publishers and readers to finish once the faults are over.
pub const END_TIMEOUT: Duration = Duration::from_secs(60);
/// Problems that are printed; the rest are only counted.
const MAX_PRINTED_PROBLEMS: usize = 20;

/// Shared by the publishers and readers of a run.
pub struct SharedState {
    pub seed: u64,
    /// The addresses of the servers' links.
    pub fronts: Vec<SocketAddr>,
    published: Mutex<PublishedMessages>,
    /// The newest message that was acknowledged or received.
    head: AtomicU64,
    phase: watch::Sender<Phase>,
    problems: AtomicUsize,
    began: Instant,
    pub counters: ClientCounters,
}

/// Counters of the clients' errors and actions.
#[derive(Debug, Default)]
pub struct ClientCounters {
    /// Connections that ended before their answer was complete, or that failed to open.
    pub broken_connections: AtomicU64,
    /// Answers of 503.
    pub unavailable: AtomicU64,
    /// Answers of 503 after which the message may or may not have been appended.
    pub unconfirmed: AtomicU64,
    /// The longest that a publisher waited for a 503.
    pub slowest_refusal_ms: AtomicU64,
    /// Reads by a publisher after a 201, from the server that sent it.
    pub visibility_checks: AtomicU64,
    /// Reads of these that did not see the message.
    pub unseen: AtomicU64,
    /// Reads from another server than before.
    pub moves: AtomicU64,
    /// Times that a reader stopped reading.
    pub stalls: AtomicU64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    Publishing,
    /// Publishers finish the messages that they have begun to send.
    Finishing,
    /// Everything is published; readers catch up and end.
    CatchingUp,
}

impl SharedState {
    pub fn new(seed: u64, fronts: Vec<SocketAddr>, retained: u64) -> Self {
        Self {
            seed,
            fronts,
            published: Mutex::new(PublishedMessages::new(ROOMS, retained)),
            head: AtomicU64::new(0),
            phase: watch::Sender::new(Phase::Publishing),
            problems: AtomicUsize::new(0),
            began: Instant::now(),
            counters: ClientCounters::default(),
        }
    }

    pub fn room(room: usize) -> String {
        format!("room-{room}")
    }

    pub fn published(&self) -> MutexGuard<'_, PublishedMessages> {
        self.published
            .lock()
            .expect("no task panics while it holds the lock")
    }

    pub fn record_known(&self, id: u64) {
        self.head.fetch_max(id, Relaxed);
    }

    pub fn head(&self) -> u64 {
        self.head.load(Relaxed)
    }

    pub fn set_phase(&self, phase: Phase) {
        self.phase.send_replace(phase);
    }

    pub fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// Waits for `time`, but not beyond the end of publishing.
    pub async fn sleep_while_publishing(&self, time: Duration) {
        let mut phase = self.phase.subscribe();
        let over = phase.wait_for(|phase| *phase > Phase::Publishing);
        // Both outcomes continue.
        let _ = timeout(time, over).await;
    }

    /// Reports something that must never happen, during any fault.
    pub fn report_problem(&self, what: String) {
        if self.problems.fetch_add(1, Relaxed) < MAX_PRINTED_PROBLEMS {
            println!("problem after {:.2?}: {what}", self.began.elapsed());
        }
    }

    pub fn problems(&self) -> usize {
        self.problems.load(Relaxed)
    }
}

/// A message's text: its name, filled up to `length`.
pub fn text((publisher, sequence): MessageName, length: usize) -> String {
    let name = format!("{publisher}.{sequence} ");
    let fill = length.saturating_sub(name.len());
    name + &"x".repeat(fill.max(1))
}

/// The id and the name of a message.
pub fn message(json: &Value) -> Option<(u64, MessageName)> {
    let (name, _) = json["text"].as_str()?.split_once(' ')?;
    let (publisher, sequence) = name.split_once('.')?;
    let name = (publisher.parse().ok()?, sequence.parse().ok()?);
    Some((json["id"].as_u64()?, name))
}
