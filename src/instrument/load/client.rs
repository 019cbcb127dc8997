//! One client: a task that reads by one transport until it is aborted.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use super::{RESPONSE_TIMEOUT, poll_client::PollClient, sse_client::SseClient};
use crate::{
    Pacing,
    http::endpoint::Endpoint,
    recording::recorder::ClientRecorder,
    target::requests::{PollRequest, StreamRequest},
};

/// Data that all clients of a run share.
#[derive(Debug)]
pub struct SharedRunState {
    pub endpoint: Endpoint,
    pub reading: TransportOptions,
    pub clients: usize,
}

#[derive(Debug)]
pub enum TransportOptions {
    Poll {
        poll_request: PollRequest,
        interval: Duration,
        pace: Pacing,
        /// Whether each poll has its own connection.
        new_connections: bool,
    },
    LongPoll {
        poll_request: PollRequest,
        wait: Duration,
    },
    Stream(StreamRequest),
}

/// When the run begins, microseconds of its window.
pub type StartSignal = watch::Receiver<Option<u64>>;

/// One client of a run, with everything its task needs.
pub struct Client {
    pub number: usize,
    pub shared: Arc<SharedRunState>,
    pub recorder: ClientRecorder,
    pub start: StartSignal,
}

impl Client {
    /// Connects, calls `ready`, and reads endlessly once the run begins. Returns an error only if connecting fails;
    /// later errors are recorded.
    pub async fn run(self, ready: impl FnOnce()) -> Result<()> {
        let shared = self.shared.clone();
        match &shared.reading {
            TransportOptions::Poll { poll_request, .. }
            | TransportOptions::LongPoll { poll_request, .. } => {
                let (response_timeout, always_connects) = match &shared.reading {
                    TransportOptions::LongPoll { wait, .. } => (*wait + RESPONSE_TIMEOUT, false),
                    TransportOptions::Poll {
                        new_connections, ..
                    } => (RESPONSE_TIMEOUT, *new_connections),
                    TransportOptions::Stream(_) => (RESPONSE_TIMEOUT, false),
                };
                let mut client = PollClient::new(
                    &shared.endpoint,
                    poll_request,
                    response_timeout,
                    self.recorder,
                )
                .with_new_connections(always_connects);
                client.open().await?;
                ready();
                let begin = begin(self.start, client.recorder()).await;
                match &shared.reading {
                    TransportOptions::Poll { interval, pace, .. } => {
                        let share = self.number as f64 / shared.clients as f64;
                        let first = begin + interval.mul_f64(share);
                        client.poll(first, *interval, *pace).await
                    }
                    _ => {
                        sleep_until(begin).await;
                        client.long_poll().await
                    }
                }
            }
            TransportOptions::Stream(stream_request) => {
                let mut client = SseClient::new(&shared.endpoint, stream_request, self.recorder);
                client.open().await?;
                ready();
                client.run().await
            }
        }
    }
}

async fn begin(mut start: StartSignal, recorder: &ClientRecorder) -> Instant {
    // If the sender is gone, this client is about to be aborted.
    let begin = start.wait_for(Option::is_some).await.ok();
    match begin.and_then(|begin| *begin) {
        Some(begin) => recorder.run().schedule.instant(begin).into(),
        None => std::future::pending().await,
    }
}
