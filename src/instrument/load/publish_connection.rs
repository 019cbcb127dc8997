//! The connection that a message is published on: blocking, one request at a time.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use http::{Request, header};
use tokio::{
    runtime::{Builder, Runtime},
    time::timeout,
};

use crate::http::{connection::Connection, endpoint::Endpoint, error::Timeout, meter::NoMeter};

/// How long an answer may take.
const PUBLISH_TIMEOUT: Duration = Duration::from_secs(10);
/// The server may have closed a connection that was idle for longer.
const STALE_AFTER: Duration = Duration::from_secs(2);

/// A blocking connection that publishes messages.
pub struct PublishConnection {
    endpoint: Endpoint,
    /// A separate runtime, which runs only in the thread that publishes, and only while it does.
    runtime: Option<Runtime>,
    connection: Option<(Connection, Instant)>,
    /// The `Server` header, once the server has answered.
    pub server: Option<String>,
}

impl PublishConnection {
    pub fn new(endpoint: &Endpoint) -> Self {
        Self {
            endpoint: endpoint.clone(),
            runtime: None,
            connection: None,
            server: None,
        }
    }

    /// Sends a request and waits for its answer, which must be a 2xx.
    pub fn send(&mut self, request: Request<Bytes>) -> Result<()> {
        let runtime = match self.runtime.take() {
            Some(runtime) => runtime,
            None => Builder::new_current_thread()
                .enable_all()
                .build()
                .context("cannot start a runtime")?,
        };
        let sent =
            runtime.block_on(async { timeout(PUBLISH_TIMEOUT, self.exchange(request)).await });
        self.runtime = Some(runtime);
        sent.map_err(|_| Timeout)?
    }

    async fn exchange(&mut self, request: Request<Bytes>) -> Result<()> {
        let kept = self.connection.take();
        let fresh = kept.filter(|(it, used)| used.elapsed() < STALE_AFTER && it.is_usable());
        let mut connection = match fresh {
            Some((connection, _)) => connection,
            None => Connection::open(&self.endpoint, &mut NoMeter).await?,
        };
        let head = connection.send(request, &mut NoMeter).await?;
        connection.body(&mut NoMeter).await?;
        if self.server.is_none() {
            self.server = head.text(&header::SERVER);
        }
        self.connection = Some((connection, Instant::now()));
        ensure!(head.status / 100 == 2, head.unexpected_status());
        Ok(())
    }
}

impl Drop for PublishConnection {
    fn drop(&mut self) {
        // A runtime that is dropped within another one must not wait for anything.
        self.connection = None;
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
