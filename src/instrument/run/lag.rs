//! How late this program's own timers fire: a load generator that is held up measures itself.

use std::{sync::Arc, time::Duration};

use tokio::{task::JoinHandle, time::Instant};

use crate::books::{recorder::Recorder, times::times, window::Phase};

const EVERY: Duration = Duration::from_millis(10);
const SHARE: f64 = 0.99;

/// The running watch.
pub struct Lag(JoinHandle<u64>);

impl Lag {
    /// Watches until the measured time is over.
    pub fn watch(recorder: Arc<Recorder>) -> Self {
        Self(tokio::spawn(watch(recorder)))
    }

    /// The 99th percentile, microseconds.
    pub async fn end(self) -> u64 {
        self.0.await.unwrap_or_default()
    }
}

async fn watch(recorder: Arc<Recorder>) -> u64 {
    let mut lags = times();
    loop {
        let due = Instant::now() + EVERY;
        tokio::time::sleep_until(due).await;
        match recorder.window.phase(recorder.window.now_us()) {
            Phase::Opening | Phase::WarmUp => {}
            Phase::Measured(_) => lags.saturating_record(due.elapsed().as_micros() as u64),
            Phase::After => return lags.value_at_quantile(SHARE),
        }
    }
}
