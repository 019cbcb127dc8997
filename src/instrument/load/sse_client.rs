//! A client of an event stream.

use anyhow::{Result, bail, ensure};
use tokio::time::timeout;

use super::{PAUSE, RESPONSE_TIMEOUT};
use crate::{
    http::{
        connection::Connection, endpoint::Endpoint, error::Timeout, event_stream::EventDecoder,
    },
    recording::recorder::ClientRecorder,
    target::requests::StreamRequest,
};

/// A client that reads an event stream.
pub struct SseClient<'a> {
    endpoint: Endpoint,
    stream_request: &'a StreamRequest,
    recorder: ClientRecorder,
    stream: Option<Connection>,
    events: EventDecoder,
}

impl<'a> SseClient<'a> {
    pub fn new(
        endpoint: &Endpoint,
        stream_request: &'a StreamRequest,
        recorder: ClientRecorder,
    ) -> Self {
        Self {
            endpoint: endpoint.for_another_client(),
            stream_request,
            recorder,
            stream: None,
            events: EventDecoder::default(),
        }
    }

    /// Connects and waits for the answer's head.
    pub async fn open(&mut self) -> Result<()> {
        let opened = timeout(RESPONSE_TIMEOUT, self.try_open()).await;
        opened.map_err(|_| Timeout)?
    }

    async fn try_open(&mut self) -> Result<()> {
        let request = self
            .stream_request
            .request(self.events.last_id.as_deref())?;
        let mut connection = Connection::open(&self.endpoint, &mut self.recorder).await?;
        self.recorder.record_request();
        let head = connection.send(request, &mut self.recorder).await?;
        self.recorder.record_answered();
        ensure!(head.status == 200, head.unexpected_status());
        head.ensure_uncompressed()?;
        head.ensure_event_stream()?;
        self.recorder.record_served();
        self.events.begin();
        self.stream = Some(connection);
        Ok(())
    }

    /// The connection, once it is open.
    pub fn connection(&self) -> Option<&Connection> {
        self.stream.as_ref()
    }

    /// Reads until `enough` returns true.
    ///
    /// # Errors
    ///
    /// If the stream ends before that.
    pub async fn read_until(&mut self, enough: impl Fn(&ClientRecorder) -> bool) -> Result<()> {
        while !enough(&self.recorder) {
            ensure!(self.receive().await?, "the server ended the stream");
        }
        Ok(())
    }

    /// Reads endlessly; opens a broken or ended stream again after its last event.
    pub async fn run(&mut self) -> Result<()> {
        loop {
            match self.read_to_end().await {
                // An `EventSource` reconnects. If the next stream does not resume, messages are missed.
                Ok(()) => self.recorder.record_stream_end(),
                Err(error) => self.recorder.record_error(|| format!("{error:#}")),
            }
            self.stream = None;
            tokio::time::sleep(PAUSE).await;
            while let Err(error) = self.open().await {
                self.recorder.record_error(|| format!("{error:#}"));
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    async fn read_to_end(&mut self) -> Result<()> {
        while self.receive().await? {}
        Ok(())
    }

    /// Reads the next bytes, and takes the events that are complete. Returns false at the end of the stream.
    async fn receive(&mut self) -> Result<bool> {
        let Some(stream) = &mut self.stream else {
            bail!("the stream is not open");
        };
        let Some(piece) = stream.chunk(&mut self.recorder).await? else {
            return Ok(false);
        };
        self.events.push(&piece);
        let whole = self.events.take()?;
        if !whole.is_empty() {
            self.recorder.take(whole);
        }
        Ok(true)
    }
}
