//! The progress a run reports, and the signal that stops it.

use tokio::sync::watch;

use crate::Transport;

/// The progress of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Progress {
    /// The following progress is about this run, the `round`th of `rounds`.
    Run {
        transport: Transport,
        round: u32,
        rounds: u32,
    },
    /// `ready` clients are connected.
    Opening { ready: usize, clients: usize },
    /// Nothing is counted yet; counting starts in `left_s` seconds.
    WarmUp { left_s: f64 },
    Measuring {
        elapsed_s: f64,
        total_s: f64,
        deliveries: u64,
    },
    /// The last messages arrive.
    Draining { lacking: u64 },
    /// The server still holds connections of clients that vanished.
    Vanished { elapsed_s: f64, limit_s: f64 },
}

/// The error of a run that was stopped too early.
pub const STOPPED: &str = "stopped before there was anything to measure";

/// The caller's handle on a run. The default reports nothing and never stops.
pub struct RunControl {
    pub on_progress: Box<dyn Fn(Progress) + Send + Sync>,
    /// Once true, the run ends with the figures so far.
    pub stop: watch::Receiver<bool>,
    /// Keeps the default's channel open.
    _never: Option<watch::Sender<bool>>,
}

impl Default for RunControl {
    fn default() -> Self {
        let (never, stop) = watch::channel(false);
        Self {
            on_progress: Box::new(|_| {}),
            stop,
            _never: Some(never),
        }
    }
}

impl RunControl {
    pub fn new(
        on_progress: impl Fn(Progress) + Send + Sync + 'static,
        stop: watch::Receiver<bool>,
    ) -> Self {
        Self {
            on_progress: Box::new(on_progress),
            stop,
            _never: None,
        }
    }

    pub fn is_stopped(&self) -> bool {
        *self.stop.borrow()
    }

    /// Waits until it is stopped.
    pub async fn stopped(&self) {
        let mut stop = self.stop.clone();
        // Without a sender, nothing stops it any more.
        if stop.wait_for(|is_stopped| *is_stopped).await.is_err() {
            std::future::pending().await
        }
    }
}
