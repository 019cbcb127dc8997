//! Additional clients that do not read: some stop reading, some vanish. Their figures are not counted.

use std::{sync::Arc, time::Duration};

use anyhow::{Result, bail};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tokio::time::{sleep, timeout};

use super::{
    run_control::{Progress, RunControl, STOPPED},
    vanish::{VanishWatch, VanishingClient},
};
use crate::{
    http::{connection::Connection, error::Timeout, meter::NoMeter},
    load::{
        client::{SharedRunState, TransportOptions},
        poll_client::PollClient,
        sse_client::SseClient,
    },
    recording::{recorder::RunRecorder, schedule::Schedule},
};

/// The most of them that connect at the same time.
const CONCURRENCY: usize = 128;
/// The time for sending a long-poll's request, whose answer is not awaited.
const SEND_TIME: Duration = Duration::from_millis(5);
/// The time for the server to read the last bytes that it was sent.
const SETTLE_TIME: Duration = Duration::from_millis(200);
/// How long their requests may take. They are sent while the server has no other work.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);

/// Opens the connections of `count` clients that send one request and stop reading.
pub async fn stall(
    shared: &[Arc<SharedRunState>],
    count: usize,
    control: &RunControl,
) -> Result<Vec<Connection>> {
    let stalled = place(shared, count, control, |_, shared| async move {
        let placing = timeout(RESPONSE_TIMEOUT, stalled_client(shared));
        placing.await.map_err(|_| Timeout)?
    });
    stalled.await
}

async fn stalled_client(shared: &SharedRunState) -> Result<Connection> {
    let endpoint = shared.endpoint.for_another_client();
    let mut connection = Connection::open(&endpoint, &mut NoMeter).await?;
    let (request, is_answered) = match &shared.reading {
        TransportOptions::Stream(stream_request) => (stream_request.request(None)?, true),
        TransportOptions::Poll { poll_request, .. }
        | TransportOptions::LongPoll { poll_request, .. } => match poll_request.start() {
            Some(start) => (start, true),
            None => {
                let is_poll = matches!(shared.reading, TransportOptions::Poll { .. });
                (poll_request.request(&poll_request.first_cursor())?, is_poll)
            }
        },
    };
    let mut meter = NoMeter;
    let sending = connection.send(request, &mut meter);
    if is_answered {
        sending.await?;
    } else if let Ok(answer) = timeout(SEND_TIME, sending).await {
        answer?;
    }
    Ok(connection)
}

/// Connects `count` clients like the measured ones, until each long-poll waits and each stream is open, and then
/// makes all of them vanish. `None` without any.
pub async fn vanish<'a>(
    shared: &'a [Arc<SharedRunState>],
    measured: &RunRecorder,
    count: usize,
    control: &RunControl,
) -> Result<Option<VanishWatch<'a>>> {
    if count == 0 {
        return Ok(None);
    }
    // Their actions are not counted.
    let recorder = &RunRecorder::new(Schedule::new(1.0, 1, Duration::ZERO), measured.tag.clone());
    let clients = place(shared, count, control, |number, shared| async move {
        let own = recorder.client(number);
        Ok(match &shared.reading {
            TransportOptions::Stream(stream_request) => {
                let mut client = SseClient::new(&shared.endpoint, stream_request, own);
                client.open().await?;
                VanishingClient::Stream(client)
            }
            TransportOptions::Poll { poll_request, .. } => {
                let mut client =
                    PollClient::new(&shared.endpoint, poll_request, RESPONSE_TIMEOUT, own);
                client.open().await?;
                VanishingClient::Poll(client)
            }
            TransportOptions::LongPoll { poll_request, .. } => {
                let mut client =
                    PollClient::new(&shared.endpoint, poll_request, RESPONSE_TIMEOUT, own);
                client.open().await?;
                if let Ok(answer) = timeout(SEND_TIME, client.try_request()).await {
                    answer?;
                }
                VanishingClient::Poll(client)
            }
        })
    });
    let clients = clients.await?;
    sleep(SETTLE_TIME).await;
    VanishWatch::start(clients).map(Some)
}

/// Runs `connect` for `count` clients with their numbers, spread over the rooms in turn, some at a time.
async fn place<'a, C, F: Future<Output = Result<C>>>(
    shared: &'a [Arc<SharedRunState>],
    count: usize,
    control: &RunControl,
    connect: impl Fn(usize, &'a SharedRunState) -> F,
) -> Result<Vec<C>> {
    let mut ready = 0;
    let numbered = shared.iter().cycle().take(count).enumerate();
    let placing = stream::iter(numbered.map(|(number, shared)| connect(number, shared)))
        .buffer_unordered(CONCURRENCY)
        .inspect_ok(|_| {
            ready += 1;
            (control.on_progress)(Progress::Opening {
                ready,
                clients: count,
            });
        });
    tokio::select! {
        placed = placing.try_collect() => placed,
        () = control.stopped() => bail!(STOPPED),
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use tokio::net::TcpListener;

    use super::*;
    use crate::{
        Profile, RequestHead, Transport,
        http::endpoint::Endpoint,
        target::requests::{PollRequest, RequestContext},
    };

    /// Long-polls of a profile in which they have no first request of another kind.
    fn long_polls(addr: SocketAddr) -> Vec<Arc<SharedRunState>> {
        let mut profile = Profile::own();
        if let Some(long_poll) = &mut profile.long_poll {
            long_poll.start = None;
        }
        let place = RequestContext {
            host: addr.to_string(),
            prefix: String::new(),
            room: "r".to_owned(),
            wait_s: 25.0,
            head: RequestHead::Bare,
            cookie_bytes: 0,
        };
        let poll_request = PollRequest::new(&profile, Transport::LongPoll, &place);
        vec![Arc::new(SharedRunState {
            endpoint: Endpoint {
                addr,
                authority: addr.to_string(),
                tls: None,
                protocol: None,
            },
            reading: TransportOptions::LongPoll {
                poll_request: poll_request.expect("a profile"),
                wait: Duration::from_secs(25),
            },
        })]
    }

    #[tokio::test]
    async fn nobody_waits_for_the_answers_of_stalled_long_polls() {
        let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let shared = long_polls(silent.local_addr().expect("an address"));
        let control = RunControl::default();
        let stalled = timeout(RESPONSE_TIMEOUT / 2, stall(&shared, 20, &control)).await;
        assert_eq!(stalled.expect("in time").expect("placed").len(), 20);
    }

    #[tokio::test]
    async fn placing_them_can_be_stopped() {
        let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let mut shared = long_polls(silent.local_addr().expect("an address"));
        let Some(SharedRunState { reading, .. }) = Arc::get_mut(&mut shared[0]) else {
            unreachable!("there is no other reference");
        };
        // The answers of polls are awaited.
        if let TransportOptions::LongPoll { poll_request, .. } = reading {
            *reading = TransportOptions::Poll {
                poll_request: poll_request.clone(),
                interval: Duration::from_secs(1),
                pace: crate::Pacing::FixedTimes,
                new_connections: false,
            };
        }
        let (sender, stop) = tokio::sync::watch::channel(false);
        let control = RunControl::new(|_| {}, stop);
        let (stalled, _) = tokio::join!(stall(&shared, 1, &control), async {
            sleep(SEND_TIME).await;
            sender.send(true)
        });
        let error = stalled.err().expect("stopped");
        assert_eq!(error.to_string(), STOPPED);
    }
}
