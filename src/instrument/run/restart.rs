//! The restart within a run: after a third of the measured time, on a separate thread.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, Result};
use tokio::sync::oneshot;

use super::{peaks, sampling::Sampling};
use crate::{
    recording::{recorder::RunRecorder, run_result::PeakStats},
    target::{RunTarget, restart::RestartEvents},
};

/// The share of the measured time before the restart; the time after it must be longer.
const AFTER: f64 = 1.0 / 3.0;
const INTERVAL: Duration = Duration::from_millis(10);

/// A restart that is planned or in progress.
pub struct PendingRestart(oneshot::Receiver<Result<Option<Sampling<PeakStats>>>>);

impl PendingRestart {
    /// Plans the restart. The measured time must be known.
    pub fn schedule(opened: &Arc<RunTarget>, recorder: &Arc<RunRecorder>) -> Self {
        let (opened, recorder) = (opened.clone(), recorder.clone());
        let (sender, outcome) = oneshot::channel();
        std::thread::spawn(move || {
            // If no one receives it, the run has failed already.
            let _ = sender.send(restart(&opened, &recorder));
            // Our own server ends with the thread that started it, so this thread lives as long as the target.
            let target = Arc::downgrade(&opened);
            drop(opened);
            while target.strong_count() > 0 {
                std::thread::sleep(INTERVAL);
            }
        });
        Self(outcome)
    }

    /// Waits for the end of the restart. `None`: the run was stopped before it.
    ///
    /// # Errors
    ///
    /// If the server did not come back.
    pub async fn end(self) -> Result<Option<PeakStats>> {
        let sampler = self
            .0
            .await
            .context("the thread of the restart panicked")??;
        Ok(sampler.map(Sampling::stop))
    }
}

fn restart(opened: &RunTarget, recorder: &Arc<RunRecorder>) -> Result<Option<Sampling<PeakStats>>> {
    let schedule = &recorder.schedule;
    let due_us = schedule.start_us() + (schedule.measured_s() * AFTER * 1e6) as u64;
    while schedule.now_us() < due_us {
        if schedule.now_us() >= schedule.end_us() {
            return Ok(None);
        }
        std::thread::sleep(INTERVAL);
    }
    let peaks = peaks::sample(recorder, opened.processes.clone());
    recorder.restart.begin(schedule.now_us());
    opened.restart(&Events(recorder))?;
    Ok(Some(peaks))
}

/// Records the events of the restart.
struct Events<'a>(&'a RunRecorder);

impl RestartEvents for Events<'_> {
    fn gone(&self) {
        self.0.restart.gone(self.0.schedule.now_us());
    }

    fn back(&self) {
        self.0.restart.back(self.0.schedule.now_us());
    }
}
