//! What publishers and readers share: where the servers are, and what is known of the log.

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

use crate::record::{Name, Published};

pub const ROOMS: usize = 3;
/// How long all may take to come to an end once the faults are over.
pub const END_WITHIN: Duration = Duration::from_secs(60);
/// Complaints that are told in full; the rest are counted.
const COMPLAINTS: usize = 20;

pub struct World {
    pub seed: u64,
    /// Where clients find the servers.
    pub fronts: Vec<SocketAddr>,
    published: Mutex<Published>,
    /// The newest message that anybody was told of.
    head: AtomicU64,
    phase: watch::Sender<Phase>,
    complaints: AtomicUsize,
    began: Instant,
    pub tally: Tally,
}

/// What clients went through.
#[derive(Debug, Default)]
pub struct Tally {
    /// Connections that ended before their answer did, or could not be made.
    pub broken: AtomicU64,
    /// Answers of 503.
    pub away: AtomicU64,
    /// Those that left open whether the message was appended.
    pub unconfirmed: AtomicU64,
    /// The longest that a publisher waited for a 503.
    pub slowest_refusal_ms: AtomicU64,
    /// Reads of a publisher, after a 201, at the server that gave it.
    pub looks: AtomicU64,
    /// Those that did not see the message.
    pub unseen: AtomicU64,
    /// Reads from another server than before.
    pub moves: AtomicU64,
    /// Times that a reader stopped reading.
    pub stalls: AtomicU64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    Publishing,
    /// Publishers finish what they began.
    Finishing,
    /// All is published: readers are to catch up and end.
    CatchingUp,
}

impl World {
    pub fn new(seed: u64, fronts: Vec<SocketAddr>, retained: u64) -> Self {
        Self {
            seed,
            fronts,
            published: Mutex::new(Published::new(ROOMS, retained)),
            head: AtomicU64::new(0),
            phase: watch::Sender::new(Phase::Publishing),
            complaints: AtomicUsize::new(0),
            began: Instant::now(),
            tally: Tally::default(),
        }
    }

    pub fn room(room: usize) -> String {
        format!("room-{room}")
    }

    pub fn published(&self) -> MutexGuard<'_, Published> {
        self.published.lock().expect("no task panics with it")
    }

    pub fn know_of(&self, id: u64) {
        self.head.fetch_max(id, Relaxed);
    }

    pub fn head(&self) -> u64 {
        self.head.load(Relaxed)
    }

    pub fn enter(&self, phase: Phase) {
        self.phase.send_replace(phase);
    }

    pub fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// Waits for `time`, but not beyond the end of publishing.
    pub async fn rest(&self, time: Duration) {
        let mut phase = self.phase.subscribe();
        let over = phase.wait_for(|phase| *phase > Phase::Publishing);
        // Either way it goes on.
        let _ = timeout(time, over).await;
    }

    /// Notes what must not happen, whatever fails.
    pub fn complain(&self, what: String) {
        if self.complaints.fetch_add(1, Relaxed) < COMPLAINTS {
            println!("not as it should be, {:.2?}: {what}", self.began.elapsed());
        }
    }

    pub fn complaints(&self) -> usize {
        self.complaints.load(Relaxed)
    }
}

/// A message's text: its name, and something to fill it.
pub fn text((publisher, sequence): Name, length: usize) -> String {
    let name = format!("{publisher}.{sequence} ");
    let fill = length.saturating_sub(name.len());
    name + &"x".repeat(fill.max(1))
}

/// The id and the name of a message.
pub fn message(json: &Value) -> Option<(u64, Name)> {
    let (name, _) = json["text"].as_str()?.split_once(' ')?;
    let (publisher, sequence) = name.split_once('.')?;
    let name = (publisher.parse().ok()?, sequence.parse().ok()?);
    Some((json["id"].as_u64()?, name))
}
