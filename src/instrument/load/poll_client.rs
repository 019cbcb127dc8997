//! A polling client, for polls and long-polls.

use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use bytes::Bytes;
use http::Request;
use tokio::time::{Instant, timeout};

use super::{PAUSE, RESPONSE_TIMEOUT};
use crate::{
    Pacing,
    http::{
        connection::Connection,
        endpoint::Endpoint,
        error::{ExchangeError, Timeout},
        head::Head,
    },
    recording::recorder::ClientRecorder,
    target::{
        profile::Extract,
        requests::{PollRequest, PollResponse},
    },
};

/// A client that polls or long-polls.
pub struct PollClient<'a> {
    endpoint: Endpoint,
    poll_request: &'a PollRequest,
    recorder: ClientRecorder,
    response_timeout: Duration,
    connection: Option<Connection>,
    /// Whether every request has its own connection.
    always_connects: bool,
    cursor: Vec<Option<String>>,
    missing_field: Option<&'a Extract>,
    /// Whether the cursor was also in an answer without a message.
    always_present: bool,
}

impl<'a> PollClient<'a> {
    pub fn new(
        endpoint: &Endpoint,
        poll_request: &'a PollRequest,
        response_timeout: Duration,
        recorder: ClientRecorder,
    ) -> Self {
        Self {
            endpoint: endpoint.for_another_client(),
            poll_request,
            recorder,
            response_timeout,
            connection: None,
            always_connects: false,
            cursor: poll_request.first_cursor(),
            missing_field: None,
            always_present: false,
        }
    }

    /// The same client, with a connection for each request.
    pub fn with_new_connections(mut self, always: bool) -> Self {
        self.always_connects = always;
        self
    }

    /// A part of the cursor that was missing in the last answer.
    pub fn missing_field(&self) -> Option<&'a Extract> {
        self.missing_field
    }

    /// The kept connection.
    pub fn connection(&self) -> Option<&Connection> {
        self.connection.as_ref()
    }

    pub fn recorder(&self) -> &ClientRecorder {
        &self.recorder
    }

    /// Connects, and gets the cursor of the log's end.
    pub async fn open(&mut self) -> Result<()> {
        match self.poll_request.start() {
            Some(start) => {
                self.exchange(&start).await?;
            }
            None => self.connect().await?,
        }
        Ok(())
    }

    /// Polls at fixed times an interval apart, or an interval after each answer. Times that pass while an answer is
    /// awaited are skipped, as with a page's timer.
    pub async fn poll(&mut self, first: Instant, interval: Duration, pace: Pacing) -> Result<()> {
        let mut next = first;
        loop {
            self.sleep_until(next).await;
            while self.request().await.unwrap_or(false) {}
            let now = Instant::now();
            next = match pace {
                Pacing::AfterAnswer => now + interval,
                Pacing::FixedTimes => {
                    let passed = (now - first).as_nanos() / interval.as_nanos().max(1);
                    first + interval.mul_f64((passed + 1) as f64)
                }
            };
        }
    }

    pub async fn long_poll(&mut self) -> Result<()> {
        loop {
            if self.request().await.is_none() {
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    /// Waits, and notices in the meantime if the server closes the connection.
    async fn sleep_until(&mut self, time: Instant) {
        if let Some(connection) = &mut self.connection {
            connection.idle_until(time, &mut self.recorder).await;
        }
        tokio::time::sleep_until(time).await;
    }

    /// Sends one request. Returns whether there are more messages to get at once; `None` after a failure, which is
    /// recorded.
    async fn request(&mut self) -> Option<bool> {
        match self.try_request().await {
            Ok(more) => Some(more),
            Err(error) => {
                self.recorder.record_error(|| format!("{error:#}"));
                None
            }
        }
    }

    /// Sends one request. Returns whether there are more messages to get at once.
    pub async fn try_request(&mut self) -> Result<bool> {
        let request = self.poll_request.request(&self.cursor)?;
        self.exchange(&request).await
    }

    async fn connect(&mut self) -> Result<()> {
        let connecting = Connection::open(&self.endpoint, &mut self.recorder);
        let opened = timeout(RESPONSE_TIMEOUT, connecting).await;
        self.connection = Some(opened.context("connecting took too long")??);
        Ok(())
    }

    /// Sends the request and takes its answer. Like a browser, it keeps the connection after a complete answer, whatever
    /// the answer says.
    async fn exchange(&mut self, request: &Request<Bytes>) -> Result<bool> {
        let (head, body) = match self.answer(request).await {
            Ok(answer) => answer,
            Err(error) => {
                self.connection = None;
                return Err(error);
            }
        };
        self.recorder.record_answered();
        let more = self.process_answer(&head, &body)?;
        self.recorder.record_served();
        Ok(more)
    }

    /// Sends the request and reads its answer. If the server had closed the idle connection before the request
    /// reached it, sends the request once more on a new connection.
    async fn answer(&mut self, request: &Request<Bytes>) -> Result<(Head, Vec<u8>)> {
        let response_timeout = self.response_timeout;
        match timeout(response_timeout, self.try_answer(request)).await {
            Ok(Err(ExchangeError::Unread)) => {
                self.connection = None;
                let again = timeout(response_timeout, self.try_answer(request)).await;
                Ok(again.map_err(|_| Timeout)??)
            }
            Ok(answer) => Ok(answer?),
            Err(_) => bail!(Timeout),
        }
    }

    async fn try_answer(
        &mut self,
        request: &Request<Bytes>,
    ) -> Result<(Head, Vec<u8>), ExchangeError> {
        if self.always_connects || self.connection.as_ref().is_some_and(|it| !it.is_usable()) {
            self.connection = None;
        }
        if self.connection.is_none() {
            self.connect().await.map_err(ExchangeError::Wrong)?;
        }
        let Some(connection) = &mut self.connection else {
            return Err(ExchangeError::Wrong(anyhow!("not connected")));
        };
        self.recorder.record_request();
        let head = connection.send(request.clone(), &mut self.recorder).await?;
        let body = connection.body(&mut self.recorder).await;
        Ok((head, body.map_err(ExchangeError::Wrong)?))
    }

    /// Takes messages and cursor from an answer.
    fn process_answer(&mut self, head: &Head, body: &[u8]) -> Result<bool> {
        if self.poll_request.is_timeout(head.status) {
            self.recorder.record_empty();
            return Ok(false);
        }
        if !matches!(head.status, 200 | 204 | 304) {
            bail!(head.unexpected_status());
        }
        head.ensure_uncompressed()?;
        let has_messages = self.recorder.take(body);
        let answer = PollResponse {
            headers: &head.headers,
            body,
            has_messages,
        };
        self.missing_field = self.poll_request.advance(&mut self.cursor, &answer);
        match self.missing_field {
            None => self.always_present |= !has_messages,
            Some(take) if self.should_report(&answer, take) => {
                bail!("an answer has no {take}");
            }
            // An answer without messages did not have it.
            Some(_) => self.missing_field = None,
        }
        if !has_messages {
            self.recorder.record_empty();
        }
        Ok(self.poll_request.has_more(&answer))
    }

    /// Whether an answer without `take` contradicts the profile. An answer without messages may lack it, if the
    /// server's other empty answers lacked it too and the answer is otherwise valid.
    fn should_report(&self, answer: &PollResponse<'_>, take: &Extract) -> bool {
        let is_blank = answer.body.trim_ascii().is_empty();
        answer.has_messages
            || (matches!(take, Extract::Json(_))
                && !is_blank
                && ((self.always_present && !take.is_in_list())
                    || !self.poll_request.is_json(answer)))
    }
}
