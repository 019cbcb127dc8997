//! How late this program's own timers fire: an overloaded load generator would measure itself.

use std::{sync::Arc, time::Duration};

use tokio::{task::JoinHandle, time::Instant};

use crate::recording::{delay_histogram::new_histogram, recorder::RunRecorder, schedule::Phase};

const EVERY: Duration = Duration::from_millis(10);
const SHARE: f64 = 0.99;

/// The running measurement.
pub struct Lag(JoinHandle<u64>);

impl Lag {
    /// Measures until the end of the measured time.
    pub fn watch(recorder: Arc<RunRecorder>) -> Self {
        Self(tokio::spawn(watch(recorder)))
    }

    /// The 99th percentile, microseconds.
    pub async fn end(self) -> u64 {
        self.0.await.unwrap_or_default()
    }
}

async fn watch(recorder: Arc<RunRecorder>) -> u64 {
    let mut lags = new_histogram();
    loop {
        let due = Instant::now() + EVERY;
        tokio::time::sleep_until(due).await;
        match recorder.schedule.phase(recorder.schedule.now_us()) {
            Phase::Opening | Phase::WarmUp => {}
            Phase::Measured(_) => lags.saturating_record(due.elapsed().as_micros() as u64),
            Phase::Drain => return lags.value_at_quantile(SHARE),
        }
    }
}
