//! Additional clients that do not read: some stop reading, some vanish. Their figures are not counted.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use tokio::time::{sleep, timeout};

use super::vanish::{VanishWatch, VanishingClient};
use crate::{
    http::{connection::Connection, meter::NoMeter},
    load::{
        client::{SharedRunState, TransportOptions},
        poll_client::PollClient,
        sse_client::SseClient,
    },
    recording::{recorder::RunRecorder, schedule::Schedule},
};

/// The time for sending a long-poll's request, whose answer is not awaited.
const SEND_TIME: Duration = Duration::from_millis(5);
/// The time for the server to read the last bytes that it was sent.
const SETTLE_TIME: Duration = Duration::from_millis(200);
/// How long their requests may take. They are sent while the server has no other work.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);

/// Opens the connections of `count` clients that send one request and stop reading.
pub async fn stall(shared: &[Arc<SharedRunState>], count: usize) -> Result<Vec<Connection>> {
    let mut stalled = Vec::new();
    for shared in shared.iter().cycle().take(count) {
        let request = match &shared.reading {
            TransportOptions::Stream(stream_request) => stream_request.request(None)?,
            TransportOptions::Poll { poll_request, .. }
            | TransportOptions::LongPoll { poll_request, .. } => match poll_request.start() {
                Some(start) => start,
                None => poll_request.request(&poll_request.first_cursor())?,
            },
        };
        let endpoint = shared.endpoint.for_another_client();
        let mut connection = Connection::open(&endpoint, &mut NoMeter).await?;
        connection.send(request, &mut NoMeter).await?;
        stalled.push(connection);
    }
    Ok(stalled)
}

/// Connects `count` clients like the measured ones, until each long-poll waits and each stream is open, and then
/// makes all of them vanish. `None` without any.
pub async fn vanish<'a>(
    shared: &'a [Arc<SharedRunState>],
    measured: &RunRecorder,
    count: usize,
) -> Result<Option<VanishWatch<'a>>> {
    if count == 0 {
        return Ok(None);
    }
    // Their actions are not counted.
    let recorder = RunRecorder::new(Schedule::new(1.0, 1, Duration::ZERO), measured.tag.clone());
    let mut clients = Vec::new();
    for (number, shared) in shared.iter().cycle().take(count).enumerate() {
        let own = recorder.client(number);
        clients.push(match &shared.reading {
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
        });
    }
    sleep(SETTLE_TIME).await;
    VanishWatch::start(clients).map(Some)
}
