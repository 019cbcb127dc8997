//! The store for several machines: a JetStream stream, shared by a group of equal servers.
//!
//! The stream's sequence is a message's id; the log's identity is in the stream's description.
//! One consumer follows it ([`follow`]) and feeds the tails; publishing ([`publish`]) and reading beyond the tails
//! ([`read`]) go to the stream's leader. [`record`] defines the stored form of a message, and which messages count.

mod client;
mod follow;
mod health;
mod identity;
mod open;
mod options;
mod permissions;
mod publish;
mod read;
mod read_ahead;
mod record;
mod room_consumer;
mod room_index;
mod stall_detector;

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use async_nats::jetstream::stream::Info;
use parking_lot::Mutex;
use tokio::{
    runtime::Runtime,
    sync::{Notify, Semaphore, oneshot, watch},
    time::{Instant, timeout, timeout_at},
};

use self::{
    client::JetStreamClient, health::StreamHealth, identity::identity,
    publish::PublishConfirmation, read_ahead::ReadAheadCache, room_index::RoomIndex,
};
pub use self::{
    open::NatsHandle,
    options::{Options, Secret},
};
use super::{StoreStatus, StoreUnavailable};
use crate::domain::cursor::LogId;
use crate::log::retention::Retention;
use crate::log::{entry::FrameEncoder, tail_cache::TailCache};

/// How long a reader waits for this server to catch up with another one.
const CATCH_UP: Duration = Duration::from_secs(2);
/// How long a new leader of the stream may lag behind the old one.
const SETTLING: Duration = Duration::from_millis(1500);
const RECHECK: Duration = Duration::from_millis(100);
/// The most reads from the stream at the same time; further ones wait.
const READS: usize = 32;

pub struct Nats {
    shared: Arc<NatsInner>,
    /// Runs the connection and the follower of the stream.
    runtime: Mutex<Option<Runtime>>,
}

/// The shared state of the store.
struct NatsInner {
    client: JetStreamClient,
    retention: Retention,
    encode: FrameEncoder,
    tails: Arc<TailCache>,
    room_index: Mutex<RoomIndex>,
    status: watch::Sender<Status>,
    health: Mutex<StreamHealth>,
    retained_messages: AtomicU64,
    /// The newest position of the stream that this server's readers see.
    applied: watch::Sender<(LogId, u64)>,
    /// Requests a poll of the stream's state before it is due.
    refresh: Notify,
    /// Publishes that wait for their message to be delivered, by name.
    pending: Mutex<HashMap<String, oneshot::Sender<PublishConfirmation>>>,
    /// JetStream's clock minus ours.
    skew_us: AtomicI64,
    /// A counter for the names of publishes, which begin with the prefix.
    names: AtomicU64,
    names_prefix: LogId,
    reads: Semaphore,
    read_aheads: Mutex<ReadAheadCache>,
    /// The oldest message that the stream held at the last poll.
    held_from: AtomicU64,
}

/// The last known state of the stream.
#[derive(Debug, Clone)]
struct Status {
    /// Why the store is away; `None`: it is there.
    away: Option<String>,
    log: LogId,
}

impl Nats {
    fn start(
        runtime: Runtime,
        client: JetStreamClient,
        retention: Retention,
        encode: FrameEncoder,
        tails: Arc<TailCache>,
        names_prefix: LogId,
    ) -> Self {
        let (log, head) = (tails.log(), tails.head());
        let shared = Arc::new(NatsInner {
            client,
            retention,
            encode,
            tails,
            room_index: Mutex::new(RoomIndex::new(log, head)),
            status: watch::Sender::new(Status { away: None, log }),
            health: Mutex::default(),
            retained_messages: AtomicU64::new(0),
            applied: watch::Sender::new((log, head)),
            refresh: Notify::new(),
            pending: Mutex::default(),
            skew_us: AtomicI64::new(0),
            names: AtomicU64::new(0),
            names_prefix,
            reads: Semaphore::new(READS),
            read_aheads: Mutex::default(),
            held_from: AtomicU64::new(0),
        });
        runtime.spawn(follow::follow(shared.clone()));
        Self {
            shared,
            runtime: Mutex::new(Some(runtime)),
        }
    }

    pub fn status(&self) -> StoreStatus {
        StoreStatus {
            name: "nats",
            up: self.shared.check_health().is_ok(),
            retained_messages: self.shared.retained_messages.load(Ordering::Relaxed),
        }
    }

    /// Why the store is away, if it is.
    pub fn check(&self) -> Result<(), StoreUnavailable> {
        self.shared.check()
    }

    /// Whether the store answers now, and takes messages.
    pub async fn ready(&self) -> Result<(), StoreUnavailable> {
        self.shared.check_health()?;
        if let Err(away) = self.shared.info().await {
            self.shared.mark_suspect(&away.0);
            return Err(away);
        }
        self.shared.check_health()
    }

    /// Makes sure that the log is the one that other servers of the group serve.
    pub async fn refresh_identity(&self) -> Result<(), StoreUnavailable> {
        self.shared.current_info().await.map(drop)
    }

    /// Whether message `id` exists in the log, although this server may not have reached it yet.
    pub async fn contains(&self, id: u64) -> Result<bool, StoreUnavailable> {
        let deadline = Instant::now() + SETTLING;
        loop {
            let info = self.shared.current_info().await?;
            if info.state.last_sequence >= id {
                self.shared
                    .wait_until_applied(identity(&info), id, Instant::now() + CATCH_UP)
                    .await;
                return Ok(true);
            }
            if info.config.num_replicas < 2 || Instant::now() > deadline {
                return Ok(false);
            }
            tokio::time::sleep(RECHECK).await;
        }
    }

    /// Ends the connection.
    pub fn close(&self) {
        if let Some(runtime) = self.runtime.lock().take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        // A runtime must not simply be dropped within another runtime.
        self.close();
    }
}

impl NatsInner {
    fn check(&self) -> Result<(), StoreUnavailable> {
        match &self.status.borrow().away {
            Some(why) => Err(StoreUnavailable(why.clone())),
            None => Ok(()),
        }
    }

    /// The same check, and also whether the store answers but cannot be used.
    fn check_health(&self) -> Result<(), StoreUnavailable> {
        self.check()?;
        let applied = *self.applied.borrow();
        match self.health.lock().reason(applied, Instant::now()) {
            Some(why) => Err(StoreUnavailable(why)),
            None => Ok(()),
        }
    }

    /// Considers the store away until a poll of the stream says otherwise.
    fn mark_suspect(&self, why: &str) {
        self.status.send_modify(|status| {
            status.away.get_or_insert_with(|| why.to_owned());
        });
        self.refresh.notify_one();
    }

    async fn info(&self) -> Result<Info, StoreUnavailable> {
        let info = self.client.info().await?;
        info.ok_or_else(|| {
            self.refresh.notify_one();
            StoreUnavailable("the stream is gone".to_owned())
        })
    }

    /// The stream's present state, once this server serves the same stream.
    async fn current_info(&self) -> Result<Info, StoreUnavailable> {
        self.check()?;
        let info = self.info().await?;
        let log = identity(&info);
        let mut status = self.status.subscribe();
        if status.borrow().log != log {
            self.refresh.notify_one();
            let same = status.wait_for(|status| status.log == log);
            timeout(CATCH_UP, same)
                .await
                .map_err(|_| StoreUnavailable("the stream was replaced".to_owned()))?
                .map_err(|_| StoreUnavailable("stopped".to_owned()))?;
        }
        Ok(info)
    }

    /// Waits until this server's readers see message `id` of `log`. Returns false if they do not by `deadline`.
    async fn wait_until_applied(&self, log: LogId, id: u64, deadline: Instant) -> bool {
        let mut applied = self.applied.subscribe();
        let there = applied.wait_for(|&(of, newest)| of != log || newest >= id);
        timeout_at(deadline, there)
            .await
            .is_ok_and(|there| there.is_ok())
    }

    /// The oldest message that is retained, given the oldest that the stream holds.
    fn first(&self, held: u64) -> u64 {
        let head = self.room_index.lock().through();
        held.max(self.retention.prune_through(head) + 1)
    }
}
