//! Stopping by SIGINT or SIGTERM: the first ends the run with its figures so far, the second ends the program.

use anyhow::{Context as _, Result};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

/// Waits for one of these signals. A second one ends the program at once.
pub struct Interrupt {
    pub told: watch::Receiver<bool>,
    code: watch::Receiver<Option<u8>>,
}

/// A shell adds this to the number of the signal that ended a program.
const SIGNALLED: u8 = 128;

impl Interrupt {
    pub fn listen() -> Result<Self> {
        let kinds = [(SignalKind::interrupt(), 2), (SignalKind::terminate(), 15)];
        let (tell, told) = watch::channel(false);
        let (set, code) = watch::channel(None);
        let (tell, set) = (std::sync::Arc::new(tell), std::sync::Arc::new(set));
        for (kind, number) in kinds {
            let mut signals = signal(kind).context("cannot listen for signals")?;
            let (tell, set) = (tell.clone(), set.clone());
            tokio::spawn(async move {
                while signals.recv().await.is_some() {
                    let code = SIGNALLED + number;
                    if set.send_replace(Some(code)).is_some() {
                        std::process::exit(code.into());
                    }
                    tell.send_replace(true);
                }
            });
        }
        Ok(Self { told, code })
    }

    /// The exit code, once a signal came.
    pub fn code(&self) -> Option<u8> {
        *self.code.borrow()
    }
}
