//! The server's background tasks: summaries, presence, retention, memory.

use std::{sync::Arc, time::Duration};

use tokio::time::interval;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::memory::release_after_herds;
use crate::{
    ledger::{Ledger, access_log::EventLog},
    limits::connections::ConnectionCounter,
    log::Log,
    presence::{self, Presence},
};

/// How often each transport's figures are logged, in seconds.
const SUMMARY_INTERVAL: u64 = 10;
/// How often the store removes messages that it no longer retains.
const PRUNE_INTERVAL: Duration = Duration::from_secs(1);

/// Tasks that run until they are stopped.
pub struct BackgroundTasks {
    stopping: CancellationToken,
    tasks: TaskTracker,
}

impl BackgroundTasks {
    pub fn spawn(
        ledger: &Arc<Ledger>,
        presence: &Arc<Presence>,
        log: &Arc<Log>,
        connections: &Arc<ConnectionCounter>,
    ) -> Self {
        let background = Self {
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        background.run(log_summaries(ledger.clone()));
        background.run(expire_pollers(presence.clone()));
        background.run(enforce_retention(log.clone(), ledger.log.clone()));
        background.run(release_after_herds(connections.clone()));
        background
    }

    /// Runs `task` until it ends or the tasks are stopped.
    pub fn run(&self, task: impl Future<Output = ()> + 'static) {
        let stopping = self.stopping.clone();
        self.tasks.spawn_local(async move {
            stopping.run_until_cancelled(task).await;
        });
    }

    pub async fn stop(self) {
        self.stopping.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// Logs each transport's figures of the last interval, if it had traffic.
async fn log_summaries(ledger: Arc<Ledger>) {
    let mut before = ledger.totals.totals();
    let mut ticks = interval(Duration::from_secs(SUMMARY_INTERVAL));
    ticks.tick().await;
    loop {
        ticks.tick().await;
        let now = ledger.totals.totals();
        for ((account, figures), (_, earlier)) in now.into_iter().zip(before) {
            let recent = figures.diff(earlier);
            if !recent.is_idle() {
                ledger.log.summary(SUMMARY_INTERVAL, account, recent);
            }
        }
        before = now;
    }
}

/// Removes pollers that stopped polling.
async fn expire_pollers(presence: Arc<Presence>) {
    let mut ticks = interval(presence::EXPIRY_INTERVAL);
    loop {
        ticks.tick().await;
        presence.expire_pollers();
    }
}

/// Makes the store remove messages that it no longer retains. Logs when the store stops and starts to answer, and when
/// it holds another log.
async fn enforce_retention(log: Arc<Log>, events: EventLog) {
    let mut ticks = interval(PRUNE_INTERVAL);
    let mut is_away = false;
    let mut id = log.id();
    loop {
        ticks.tick().await;
        let new = log.id();
        if new != id {
            let detail = format_args!(
                "the log {id} was deleted or replaced, and {new} takes its place: earlier messages are gone, and \
                 readers get a reset"
            );
            events.event("log-replaced", detail);
            id = new;
        }
        let result = match log.prune().await {
            Ok(()) if !log.store_status().up => log.ready().await,
            result => result,
        };
        match result {
            Err(error) if !is_away => {
                is_away = true;
                events.event("store-away", error);
            }
            Ok(()) if is_away => {
                is_away = false;
                events.event("store-back", "the store answers again");
            }
            _ => {}
        }
    }
}
