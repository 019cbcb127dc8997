//! SIGHUP: reads the certificate and the keys for tokens again. If a file is bad, the log says so, and what is in use
//! stays.

use std::{sync::Arc, thread};

use tokio::{join, signal::unix::Signal, sync::oneshot};

use crate::{
    http::policy::Policy, ledger::access_log::EventLog, net::certificate::CurrentCertificate,
};

/// The files that are read again, and the log for the outcome.
pub struct ReloadedFiles {
    /// `None` without TLS.
    pub certificate: Option<Arc<CurrentCertificate>>,
    pub policy: Arc<Policy>,
    pub events: EventLog,
}

impl ReloadedFiles {
    /// Reads the files whenever a signal comes.
    pub async fn reload_on(self, mut hangups: Signal) {
        while hangups.recv().await.is_some() {
            join!(self.reload_certificate(), self.reload_keys());
        }
    }

    async fn reload_certificate(&self) {
        let Some(certificate) = self.certificate.clone() else {
            return;
        };
        let reload = move || certificate.reload().map(|()| certificate.fingerprint());
        match read_apart(reload).await {
            Some(Ok(fingerprint)) => self.events.event("certificate-reloaded", fingerprint),
            Some(Err(error)) => self.events.event("certificate-refused", error),
            None => {}
        }
    }

    async fn reload_keys(&self) {
        if self.policy.access.is_none() {
            return;
        }
        let policy = self.policy.clone();
        let reload = move || policy.access.as_ref().map(|access| access.reload_keys());
        match read_apart(reload).await.flatten() {
            Some(Ok(count)) => {
                let noun = if count == 1 { "key" } else { "keys" };
                self.events.event(
                    "keys-reloaded",
                    format_args!("tokens are verified with {count} {noun}"),
                );
                if let Some(warning) = self.policy.access.as_ref().and_then(|it| it.key_warning()) {
                    self.events.event("keys-warning", warning);
                }
            }
            Some(Err(error)) => self.events.event("keys-refused", error),
            None => {}
        }
    }
}

/// Runs `read` on a thread of its own, because a file may be on a file system that hangs. The server goes on, and its end
/// does not wait for that thread, as it would for one of tokio's. `None` if there is no result.
async fn read_apart<T: Send + 'static>(read: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (send, result) = oneshot::channel();
    let thread = thread::Builder::new().name("reload".to_owned());
    // A process that cannot make a thread keeps what it has.
    thread
        .spawn(move || {
            // This fails if the server has stopped.
            let _ = send.send(read());
        })
        .ok()?;
    result.await.ok()
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, time::Duration};

    use actix_web::rt::System;
    use tokio::time::timeout;

    use super::*;

    #[test]
    fn a_file_that_hangs_delays_neither_the_server_nor_its_end() {
        let (release, hang) = mpsc::channel::<()>();
        System::new().block_on(async {
            assert_eq!(read_apart(|| 1).await, Some(1));
            let hanging = read_apart(move || hang.recv());
            let waited = timeout(Duration::from_millis(10), hanging).await;
            assert!(waited.is_err(), "the runtime goes on");
        });
        // The runtime has ended, and the thread still hangs.
        release.send(()).expect("the thread is still there");
    }
}
