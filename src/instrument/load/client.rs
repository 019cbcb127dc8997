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

const GOLDEN_RATIO: f64 = 1.618_033_988_749_895;

/// Data that all clients of a run share.
#[derive(Debug)]
pub struct SharedRunState {
    pub endpoint: Endpoint,
    pub reading: TransportOptions,
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
                        let first = begin + interval.mul_f64(poll_phase(self.number));
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

/// The phase of client `number`'s polls, as a share of the interval. The golden ratio spreads the polls of any number of
/// clients evenly. It is the number that is hardest to approximate by fractions, so no regular schedule of messages, in
/// one room or in several, keeps in step with it.
fn poll_phase(number: usize) -> f64 {
    (number as f64 * GOLDEN_RATIO).fract()
}

async fn begin(mut start: StartSignal, recorder: &ClientRecorder) -> Instant {
    // If the sender is gone, this client is about to be aborted.
    let begin = start.wait_for(Option::is_some).await.ok();
    match begin.and_then(|begin| *begin) {
        Some(begin) => recorder.run().schedule.instant(begin).into(),
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The mean time, as a share of the interval, from when a message is due until its readers' next polls, if clients
    /// and messages are spread over `rooms` in turn.
    fn mean_wait(clients: usize, rooms: usize, messages_an_interval: f64) -> f64 {
        let (mut sum, mut count) = (0.0, 0);
        for message in 0..20 * clients * rooms {
            let due = (message as f64 + 0.5) / messages_an_interval;
            for client in (message % rooms..clients).step_by(rooms) {
                sum += (poll_phase(client) - due).rem_euclid(1.0);
                count += 1;
            }
        }
        sum / f64::from(count)
    }

    #[test]
    fn polls_do_not_keep_in_step_with_messages() {
        for (clients, rooms, messages_an_interval) in [
            (50, 50, 50.0),
            (10, 10, 10.0),
            (50, 10, 10.0),
            (55, 55, 55.0),
            (100, 1, 2.0),
            (10, 1, 0.5),
            (1, 1, 2.0),
        ] {
            let mean = mean_wait(clients, rooms, messages_an_interval);
            assert!(
                (0.4..0.6).contains(&mean),
                "{clients} clients in {rooms} rooms: {mean}"
            );
        }
    }

    #[test]
    fn polls_are_spread_evenly() {
        let mut phases: Vec<f64> = (0..100).map(poll_phase).collect();
        phases.sort_by(f64::total_cmp);
        for pair in phases.windows(2) {
            assert!((0.004..0.02).contains(&(pair[1] - pair[0])), "{pair:?}");
        }
    }
}
