//! Clients beside those that are measured, which do not read: some stop reading, some go without a word. They are in
//! no account.

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

/// Within this time a long-poll's request is on its way; its answer is not waited for.
const SEND_TIME: Duration = Duration::from_millis(5);
/// How long the server has to read what it was sent last.
const SETTLE_TIME: Duration = Duration::from_millis(200);
/// How long a request of theirs may take. Their requests are sent while the server has nothing else to do.
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

/// Gets `count` clients into place as those that are measured, a long-poll waiting and a stream open, and then lets
/// all of them go without a word. `None` of none.
pub async fn vanish<'a>(
    shared: &'a [Arc<SharedRunState>],
    measured: &RunRecorder,
    count: usize,
) -> Result<Option<VanishWatch<'a>>> {
    if count == 0 {
        return Ok(None);
    }
    // What they do is in nobody's books.
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
