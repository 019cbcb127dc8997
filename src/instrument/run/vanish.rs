//! Vanished clients, and a watch over the server's ends of their connections.

use std::{
    collections::HashSet,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use tokio::sync::watch;

use super::run_control::{Progress, RunControl};
use crate::{
    http::connection::Connection,
    load::{poll_client::PollClient, sse_client::SseClient},
    machine::held_connections::{ConnectionEnds, still_held},
    recording::run_result::{Steps, VanishStats},
};

/// How long the server is watched: longer than the timeouts that servers have for idle connections.
const LIMIT: Duration = Duration::from_secs(120);
/// The shortest time between two checks.
const INTERVAL: Duration = Duration::from_millis(50);
/// Reading a long table may take one part in this number of the time.
const SHARE: u32 = 20;
const UNSEEN: &str = "the server's ends of these connections are not in this machine's table: it runs on another \
                      machine, in a network namespace of its own, or not on Linux";

/// A client that will vanish. Its socket stays open here, because closing it would notify the server.
pub enum VanishingClient<'a> {
    Poll(PollClient<'a>),
    Stream(SseClient<'a>),
}

impl VanishingClient<'_> {
    fn connection(&self) -> Result<&Connection> {
        let connection = match self {
            Self::Poll(client) => client.connection(),
            Self::Stream(client) => client.connection(),
        };
        connection.context("a client that was to vanish has no connection")
    }
}

/// Clients that have vanished, and the watch over their connections.
pub struct VanishWatch<'a> {
    /// Their sockets stay open until the watch is over.
    clients: Vec<VanishingClient<'a>>,
    begin: Instant,
    /// Dropped to end the watch early.
    keep_watching: watch::Sender<()>,
    watch: JoinHandle<WatchResult>,
}

/// When the server released the connections.
struct WatchResult {
    /// Connections that could be seen before their clients went.
    seen: usize,
    released_s: Vec<f64>,
    watched: Duration,
}

impl<'a> VanishWatch<'a> {
    /// Makes all of them vanish now, and starts to watch their connections.
    pub fn start(clients: Vec<VanishingClient<'a>>) -> Result<Self> {
        let ends = clients.iter().map(|client| {
            let gone = client.connection()?.vanish();
            gone.context("a client cannot vanish on this system")
        });
        let ends: HashSet<ConnectionEnds> = ends.collect::<Result<_>>()?;
        let (keep_watching, stop) = watch::channel(());
        Ok(Self {
            clients,
            begin: Instant::now(),
            keep_watching,
            watch: std::thread::spawn(move || watch_ends(ends, &stop)),
        })
    }

    /// Waits until the server has closed all their connections, or the watch ends.
    pub async fn watch(self, control: &RunControl) -> VanishStats {
        let limit_s = LIMIT.as_secs_f64();
        while !self.watch.is_finished() && !control.is_stopped() {
            let elapsed_s = self.begin.elapsed().as_secs_f64();
            (control.on_progress)(Progress::Vanished { elapsed_s, limit_s });
            tokio::time::sleep(INTERVAL).await;
        }
        drop(self.keep_watching);
        let clients = self.clients.len() as u64;
        let watched = self.watch.join().unwrap_or(WatchResult {
            seen: 0,
            released_s: Vec::new(),
            watched: Duration::ZERO,
        });
        VanishStats {
            clients,
            released: Steps::from_times(watched.released_s),
            watched_s: watched.watched.as_secs_f64(),
            unseen: (watched.seen < self.clients.len()).then(|| UNSEEN.to_owned()),
        }
    }
}

fn watch_ends(mut left: HashSet<ConnectionEnds>, stop: &watch::Receiver<()>) -> WatchResult {
    let begin = Instant::now();
    let mut now = still_held(&left);
    let seen = now.len();
    let mut released_s = Vec::new();
    left = now.clone();
    // If the sender is gone, no one waits for the result any more.
    while !left.is_empty() && begin.elapsed() < LIMIT && stop.has_changed().is_ok() {
        let look = Instant::now();
        now = still_held(&left);
        let after_s = begin.elapsed().as_secs_f64();
        released_s.extend(left.difference(&now).map(|_| after_s));
        left.clone_from(&now);
        std::thread::sleep(INTERVAL.max(look.elapsed() * SHARE));
    }
    WatchResult {
        seen,
        released_s,
        watched: begin.elapsed(),
    }
}
