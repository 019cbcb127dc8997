//! A client that asks: polls and long-polls alike.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context as _, Result, anyhow, bail};
use tokio::time::{Instant, timeout};

use super::{
    PATIENCE, PAUSE,
    http::{Body, Head, Timeout, UnexpectedStatus},
    socket::Socket,
};
use crate::{
    Pacing,
    recording::recorder::ClientRecorder,
    target::{
        profile::Extract,
        requests::{PollRequest, PollResponse},
    },
};

const CLOSED: &str = "the server closed the connection without an answer";

/// See the module.
pub struct PollClient<'a> {
    addr: SocketAddr,
    poll_request: &'a PollRequest,
    recorder: ClientRecorder,
    patience: Duration,
    socket: Option<Socket>,
    cursor: Vec<Option<String>>,
    request: Vec<u8>,
    raw: Vec<u8>,
    body: Vec<u8>,
    headers: Vec<(String, String)>,
    lacking: Option<&'a Extract>,
    /// Whether the cursor was also in an answer without a message.
    always_present: bool,
}

impl<'a> PollClient<'a> {
    pub fn new(
        addr: SocketAddr,
        poll_request: &'a PollRequest,
        patience: Duration,
        recorder: ClientRecorder,
    ) -> Self {
        Self {
            addr,
            poll_request,
            recorder,
            patience,
            socket: None,
            cursor: poll_request.first_cursor(),
            request: Vec::new(),
            raw: Vec::new(),
            body: Vec::new(),
            headers: Vec::new(),
            lacking: None,
            always_present: false,
        }
    }

    /// A part of the cursor that should have been in the last answer and was not.
    pub fn lacking(&self) -> Option<&'a Extract> {
        self.lacking
    }

    pub fn recorder(&self) -> &ClientRecorder {
        &self.recorder
    }

    /// Connects, and takes the cursor of the log's end.
    pub async fn open(&mut self) -> Result<()> {
        match self.poll_request.start() {
            Some(start) => {
                self.request.clear();
                self.request.extend_from_slice(start);
                self.exchange().await?;
            }
            None => self.connect().await?,
        }
        Ok(())
    }

    /// Asks at fixed times an interval apart, or an interval after each answer. Times that passed
    /// while an answer was waited for are left out, as a page's timer would.
    pub async fn poll(&mut self, first: Instant, interval: Duration, pace: Pacing) -> Result<()> {
        let mut next = first;
        loop {
            tokio::time::sleep_until(next).await;
            while self.ask().await.unwrap_or(false) {}
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
            if self.ask().await.is_none() {
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    /// One request. Says whether there is more to be had at once; `None` after a failure, which is in
    /// the books.
    async fn ask(&mut self) -> Option<bool> {
        match self.try_ask().await {
            Ok(more) => Some(more),
            Err(error) => {
                self.socket = None;
                self.recorder.failed(|| format!("{error:#}"));
                None
            }
        }
    }

    /// One request. Says whether there is more to be had at once.
    pub async fn try_ask(&mut self) -> Result<bool> {
        self.poll_request.request(&self.cursor, &mut self.request);
        self.exchange().await
    }

    async fn connect(&mut self) -> Result<()> {
        let connecting = Socket::open(self.addr, &mut self.recorder);
        let opened = timeout(PATIENCE, connecting).await;
        let opened = opened.context("connecting took too long")?;
        self.socket = Some(opened.with_context(|| format!("cannot connect to {}", self.addr))?);
        Ok(())
    }

    /// Sends the request and reads its answer. If the server had closed the kept connection before
    /// the request reached it, as it may do with an idle one, it is sent once more on a new one.
    async fn exchange(&mut self) -> Result<bool> {
        let is_reused = self.socket.is_some();
        match timeout(self.patience, self.try_exchange()).await {
            Ok(Ok(more)) => Ok(more),
            Ok(Err(ExchangeError::Unread)) if is_reused => {
                self.socket = None;
                let again = timeout(self.patience, self.try_exchange()).await;
                Ok(again.map_err(|_| Timeout)??)
            }
            Ok(Err(error)) => Err(error.into()),
            Err(_) => bail!(Timeout),
        }
    }

    async fn try_exchange(&mut self) -> Result<bool, ExchangeError> {
        if self.socket.is_none() {
            self.connect().await.map_err(ExchangeError::Wrong)?;
        }
        let Some(socket) = &self.socket else {
            return Err(ExchangeError::Wrong(anyhow!("not connected")));
        };
        self.raw.clear();
        self.body.clear();
        self.headers.clear();
        self.recorder.request();
        let sent = socket.send(&self.request, &mut self.recorder).await;
        sent.map_err(|_| ExchangeError::Unread)?;
        loop {
            let Some(socket) = &self.socket else {
                return Err(ExchangeError::cut());
            };
            match socket.receive(&mut self.raw, &mut self.recorder).await {
                Ok(1..) => {}
                Ok(_) if self.raw.is_empty() => {
                    return Err(match socket.was_stale().await {
                        true => ExchangeError::Unread,
                        false => ExchangeError::Wrong(anyhow!(CLOSED)),
                    });
                }
                Ok(_) => return Err(ExchangeError::cut()),
                Err(error) => return Err(ExchangeError::Wrong(error.into())),
            }
            if let Some(head) = self.head().map_err(ExchangeError::Wrong)? {
                return self.rest(head).await;
            }
        }
    }

    /// Reads the body that follows `head`, and learns from it.
    async fn rest(&mut self, head: Head) -> Result<bool, ExchangeError> {
        let mut body = Body::new(head.framing);
        loop {
            body.take(&mut self.raw, &mut self.body)
                .map_err(ExchangeError::Wrong)?;
            if body.is_done() {
                break;
            }
            let Some(socket) = &self.socket else { break };
            let came = socket.receive(&mut self.raw, &mut self.recorder).await;
            match came {
                Ok(1..) => {}
                Ok(_) if body.may_end() => break,
                Ok(_) => return Err(ExchangeError::cut()),
                Err(error) => return Err(ExchangeError::Wrong(error.into())),
            }
        }
        if head.closes {
            self.socket = None;
        }
        self.recorder.answered();
        if self.poll_request.is_timeout(head.status) {
            self.recorder.empty();
            return Ok(false);
        }
        if !matches!(head.status, 200 | 204 | 304) {
            return Err(ExchangeError::Wrong(UnexpectedStatus(head.status).into()));
        }
        head.ensure_uncompressed()
            .map_err(|error| ExchangeError::Wrong(error.into()))?;
        let has_messages = self.recorder.take(&self.body);
        let answer = PollResponse {
            headers: &self.headers,
            body: &self.body,
            has_messages,
        };
        self.lacking = self.poll_request.advance(&mut self.cursor, &answer);
        match self.lacking {
            None => self.always_present |= !has_messages,
            Some(take) if self.should_report(&answer, take) => {
                return Err(ExchangeError::Wrong(anyhow!("an answer has no {take}")));
            }
            // It was not to be had in an answer without news.
            Some(_) => self.lacking = None,
        }
        if !has_messages {
            self.recorder.empty();
        }
        Ok(self.poll_request.has_more(&answer))
    }

    /// Whether an answer without `take` is not what the profile describes. One that brings nothing may
    /// do without, as long as the server's others did and it is what it should be.
    fn should_report(&self, answer: &PollResponse<'_>, take: &Extract) -> bool {
        let is_blank = answer.body.trim_ascii().is_empty();
        answer.has_messages
            || (matches!(take, Extract::Json(_))
                && !is_blank
                && (self.always_present || !self.poll_request.is_json(answer)))
    }

    /// Takes the answer's head, once it is whole; interim answers before it are nothing to us.
    fn head(&mut self) -> Result<Option<Head>> {
        let Self {
            raw,
            headers,
            poll_request,
            ..
        } = self;
        loop {
            headers.clear();
            let head = Head::parse(raw, |name, value| {
                if poll_request.wants(name) {
                    headers.push((name.to_owned(), String::from_utf8_lossy(value).into_owned()));
                }
            })?;
            let Some(head) = head else { return Ok(None) };
            raw.drain(..head.length);
            if head.status >= 200 {
                return Ok(Some(head));
            }
        }
    }
}

/// Why there is no answer.
enum ExchangeError {
    /// The server had closed the connection before the request reached it.
    Unread,
    Wrong(anyhow::Error),
}

impl ExchangeError {
    fn cut() -> Self {
        Self::Wrong(anyhow!("the answer was cut short"))
    }
}

impl From<ExchangeError> for anyhow::Error {
    fn from(error: ExchangeError) -> Self {
        match error {
            ExchangeError::Unread => anyhow!(CLOSED),
            ExchangeError::Wrong(error) => error,
        }
    }
}
