//! A stream that is read in the background, and its state so far.

use std::{collections::HashMap, io::Write as _, sync::Arc, time::Duration};

use anyhow::{Result, ensure};
use bytes::Bytes;
use flate2::write::GzDecoder;
use http::{HeaderValue, Request, header};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, timeout},
};

use super::{
    redirect,
    site::{CheckRoom, Site},
};
use crate::{
    http::{
        connection::Connection, endpoint::Endpoint, event_stream::EventDecoder, head::Head,
        meter::NoMeter,
    },
    recording::message_tag::MessageTag,
};

/// The only requested coding, which the check can decode.
const CODING: &str = "gzip";

/// A stream read in the background. Dropping this value ends the reading.
pub struct StreamReader {
    pub opened_at: Instant,
    state: watch::Receiver<StreamState>,
    task: JoinHandle<()>,
}

/// The state of a stream.
#[derive(Debug, Clone, Default)]
pub struct StreamState {
    pub head: Option<(Arc<Head>, Instant)>,
    pub last_byte_at: Option<Instant>,
    /// The longest time between two pieces.
    pub longest_gap: Duration,
    /// When each message came, by its number.
    pub messages: HashMap<u64, Instant>,
    pub last_id: Option<String>,
    /// The time and the kind of its end.
    pub ended: Option<(Instant, String)>,
}

impl StreamReader {
    /// Opens a stream of `room`, after the event `last_id` if there is one.
    pub async fn open(site: &Site, room: &CheckRoom, last_id: Option<&str>) -> Result<Self> {
        let mut request = site.stream_request(room)?.request(last_id)?;
        request
            .headers_mut()
            .insert(header::ACCEPT_ENCODING, HeaderValue::from_static(CODING));
        let connection = site.connect().await?;
        let (sender, state) = watch::channel(StreamState::default());
        let opened_at = Instant::now();
        let opening = StreamOpening {
            endpoint: site.endpoint.clone(),
            connection,
            request,
        };
        let task = tokio::spawn(read(opening, room.tag.clone(), opened_at, sender));
        Ok(Self {
            opened_at,
            state,
            task,
        })
    }

    /// The state so far.
    pub fn state(&self) -> StreamState {
        self.state.borrow().clone()
    }

    /// Waits until `reached`, until the stream has ended, or for `time`. Returns whether it was reached.
    pub async fn wait_for(
        &mut self,
        time: Duration,
        reached: impl Fn(&StreamState) -> bool,
    ) -> bool {
        let waiting = self
            .state
            .wait_for(|state| reached(state) || state.ended.is_some());
        match timeout(time, waiting).await {
            Ok(Ok(state)) => reached(&state),
            _ => false,
        }
    }
}

impl Drop for StreamReader {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl StreamState {
    fn note_bytes(&mut self, opened_at: Instant) {
        let now = Instant::now();
        let before = self.last_byte_at.replace(now).unwrap_or(opened_at);
        self.longest_gap = self.longest_gap.max(now - before);
    }
}

/// The request for a stream, and where it is sent.
struct StreamOpening {
    endpoint: Endpoint,
    connection: Connection,
    request: Request<Bytes>,
}

/// Reads to the end, and records how the stream ended.
async fn read(
    opening: StreamOpening,
    tag: MessageTag,
    opened_at: Instant,
    sender: watch::Sender<StreamState>,
) {
    let why = match read_events(opening, &tag, opened_at, &sender).await {
        Ok(()) => "it was ended".to_owned(),
        Err(error) => format!("{error:#}"),
    };
    sender.send_modify(|state| state.ended = Some((Instant::now(), why)));
}

async fn read_events(
    opening: StreamOpening,
    tag: &MessageTag,
    opened_at: Instant,
    sender: &watch::Sender<StreamState>,
) -> Result<()> {
    let StreamOpening {
        endpoint,
        connection,
        request,
    } = opening;
    let (mut connection, head) = redirect::send(&endpoint, connection, request).await?;
    let mut decoder = BodyDecoder::from_head(&head);
    sender.send_modify(|state| {
        state.head = Some((Arc::new(head), Instant::now()));
        state.last_byte_at = Some(Instant::now());
    });
    let mut events = EventDecoder::default();
    while let Some(piece) = connection.chunk(&mut NoMeter).await? {
        sender.send_modify(|state| state.note_bytes(opened_at));
        events.push(&decoder.decode(&piece)?);
        let mut numbers = Vec::new();
        tag.each(events.take()?, |number| numbers.push(number));
        let last_id = events.last_id.clone();
        sender.send_modify(|state| {
            for number in numbers {
                state.messages.entry(number).or_insert_with(Instant::now);
            }
            state.last_id = last_id;
        });
    }
    Ok(())
}

/// Decodes a body with a content coding.
enum BodyDecoder {
    Identity,
    Gzip(Box<GzDecoder<Vec<u8>>>),
    /// Another coding, whose events cannot be read.
    Unreadable(String),
}

impl BodyDecoder {
    fn from_head(head: &Head) -> Self {
        match head.encoding() {
            None => Self::Identity,
            Some(coding) if coding.eq_ignore_ascii_case(CODING) => {
                Self::Gzip(Box::new(GzDecoder::new(Vec::new())))
            }
            Some(coding) => Self::Unreadable(coding),
        }
    }

    fn decode(&mut self, piece: &[u8]) -> Result<Vec<u8>> {
        match self {
            Self::Identity => Ok(piece.to_vec()),
            Self::Gzip(decoder) => {
                decoder.write_all(piece)?;
                decoder.flush()?;
                Ok(std::mem::take(decoder.get_mut()))
            }
            Self::Unreadable(coding) => {
                ensure!(
                    false,
                    "the stream is compressed with {coding}, which was not requested and cannot be read"
                );
                Ok(Vec::new())
            }
        }
    }
}
