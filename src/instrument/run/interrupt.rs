//! Stopping by SIGINT or SIGTERM: the first ends the run with its figures so far, the second ends the program.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

/// Waits for one of these signals. A second one ends the program at once.
pub struct Interrupt {
    /// Becomes true with the first signal.
    pub stop: watch::Receiver<bool>,
    code: watch::Receiver<Option<u8>>,
}

/// A shell adds this to the number of the signal that ended a program.
const SIGNALLED: u8 = 128;

impl Interrupt {
    pub fn listen() -> Result<Self> {
        let kinds = [(SignalKind::interrupt(), 2), (SignalKind::terminate(), 15)];
        let (stop_sender, stop) = watch::channel(false);
        let (code_sender, code) = watch::channel(None);
        let (stop_sender, code_sender) = (Arc::new(stop_sender), Arc::new(code_sender));
        for (kind, number) in kinds {
            let mut signals = signal(kind).context("cannot listen for signals")?;
            let (stop_sender, code_sender) = (stop_sender.clone(), code_sender.clone());
            tokio::spawn(async move {
                while signals.recv().await.is_some() {
                    let code = SIGNALLED + number;
                    if code_sender.send_replace(Some(code)).is_some() {
                        std::process::exit(code.into());
                    }
                    stop_sender.send_replace(true);
                }
            });
        }
        Ok(Self { stop, code })
    }

    /// The exit code, once a signal came.
    pub fn code(&self) -> Option<u8> {
        *self.code.borrow()
    }
}
