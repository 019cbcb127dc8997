//! A client that asks: polls and long-polls alike.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context as _, Result, anyhow, bail};
use tokio::time::{Instant, timeout};

use super::{
    PATIENCE, PAUSE,
    http::{Answered, Body, Head, TooLate},
    socket::Socket,
};
use crate::{
    Pace,
    books::recorder::Books,
    target::{
        profile::Take,
        requests::{Answer, Asking},
    },
};

const CLOSED: &str = "the server closed the connection without an answer";

/// See the module.
pub struct Asker<'a> {
    addr: SocketAddr,
    asking: &'a Asking,
    books: Books,
    patience: Duration,
    socket: Option<Socket>,
    cursor: Vec<Option<String>>,
    request: Vec<u8>,
    raw: Vec<u8>,
    body: Vec<u8>,
    headers: Vec<(String, String)>,
    lacking: Option<&'a Take>,
    /// Whether the cursor was also in an answer without a message.
    always_told: bool,
}

impl<'a> Asker<'a> {
    pub fn new(addr: SocketAddr, asking: &'a Asking, patience: Duration, books: Books) -> Self {
        Self {
            addr,
            asking,
            books,
            patience,
            socket: None,
            cursor: asking.first_cursor(),
            request: Vec::new(),
            raw: Vec::new(),
            body: Vec::new(),
            headers: Vec::new(),
            lacking: None,
            always_told: false,
        }
    }

    /// A part of the cursor that should have been in the last answer and was not.
    pub fn lacking(&self) -> Option<&'a Take> {
        self.lacking
    }

    pub fn books(&self) -> &Books {
        &self.books
    }

    /// Connects, and finds out where the log ends.
    pub async fn open(&mut self) -> Result<()> {
        match self.asking.start() {
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
    pub async fn poll(&mut self, first: Instant, interval: Duration, pace: Pace) -> Result<()> {
        let mut next = first;
        loop {
            tokio::time::sleep_until(next).await;
            while self.ask().await.unwrap_or(false) {}
            let now = Instant::now();
            next = match pace {
                Pace::AfterAnswer => now + interval,
                Pace::FixedTimes => {
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
                self.books.failed(|| format!("{error:#}"));
                None
            }
        }
    }

    /// One request. Says whether there is more to be had at once.
    pub async fn try_ask(&mut self) -> Result<bool> {
        self.asking.request(&self.cursor, &mut self.request);
        self.exchange().await
    }

    async fn connect(&mut self) -> Result<()> {
        let connecting = Socket::open(self.addr, &mut self.books);
        let opened = timeout(PATIENCE, connecting).await;
        let opened = opened.context("connecting took too long")?;
        self.socket = Some(opened.with_context(|| format!("cannot connect to {}", self.addr))?);
        Ok(())
    }

    /// Sends the request and reads its answer. Where the server had closed the kept connection before
    /// the request reached it, as it may do with an idle one, it is sent once more on a new one.
    async fn exchange(&mut self) -> Result<bool> {
        let is_reused = self.socket.is_some();
        match timeout(self.patience, self.try_exchange()).await {
            Ok(Ok(more)) => Ok(more),
            Ok(Err(Broken::Unread)) if is_reused => {
                self.socket = None;
                let again = timeout(self.patience, self.try_exchange()).await;
                Ok(again.map_err(|_| TooLate)??)
            }
            Ok(Err(broken)) => Err(broken.into()),
            Err(_) => bail!(TooLate),
        }
    }

    async fn try_exchange(&mut self) -> Result<bool, Broken> {
        if self.socket.is_none() {
            self.connect().await.map_err(Broken::Wrong)?;
        }
        let Some(socket) = &self.socket else {
            return Err(Broken::Wrong(anyhow!("not connected")));
        };
        self.raw.clear();
        self.body.clear();
        self.headers.clear();
        self.books.request();
        let sent = socket.send(&self.request, &mut self.books).await;
        sent.map_err(|_| Broken::Unread)?;
        loop {
            let Some(socket) = &self.socket else {
                return Err(Broken::cut());
            };
            match socket.receive(&mut self.raw, &mut self.books).await {
                Ok(1..) => {}
                Ok(_) if self.raw.is_empty() => {
                    return Err(match socket.was_closed_before_it_was_sent_to().await {
                        true => Broken::Unread,
                        false => Broken::Wrong(anyhow!(CLOSED)),
                    });
                }
                Ok(_) => return Err(Broken::cut()),
                Err(error) => return Err(Broken::Wrong(error.into())),
            }
            if let Some(head) = self.head().map_err(Broken::Wrong)? {
                return self.rest(head).await;
            }
        }
    }

    /// Reads the body that follows `head`, and learns from it.
    async fn rest(&mut self, head: Head) -> Result<bool, Broken> {
        let mut body = Body::new(head.framing);
        loop {
            body.take(&mut self.raw, &mut self.body)
                .map_err(Broken::Wrong)?;
            if body.is_done() {
                break;
            }
            let Some(socket) = &self.socket else { break };
            let came = socket.receive(&mut self.raw, &mut self.books).await;
            match came {
                Ok(1..) => {}
                Ok(_) if body.may_end() => break,
                Ok(_) => return Err(Broken::cut()),
                Err(error) => return Err(Broken::Wrong(error.into())),
            }
        }
        if head.closes {
            self.socket = None;
        }
        self.books.answered();
        if !matches!(head.status, 200 | 204 | 304) {
            return Err(Broken::Wrong(Answered(head.status).into()));
        }
        let has_messages = self.books.take(&self.body);
        let answer = Answer {
            headers: &self.headers,
            body: &self.body,
            has_messages,
        };
        self.lacking = self.asking.advance(&mut self.cursor, &answer);
        match self.lacking {
            None => self.always_told |= !has_messages,
            Some(take) if self.must_tell(&answer, take) => {
                return Err(Broken::Wrong(anyhow!("an answer has no {take}")));
            }
            // It was not to be had in an answer without news.
            Some(_) => self.lacking = None,
        }
        if !has_messages {
            self.books.empty();
        }
        Ok(self.asking.has_more(&answer))
    }

    /// Whether an answer without `take` is not what the profile describes. One that brings nothing may
    /// do without, as long as the server's others did and it is what it should be.
    fn must_tell(&self, answer: &Answer<'_>, take: &Take) -> bool {
        let is_blank = answer.body.trim_ascii().is_empty();
        answer.has_messages
            || (matches!(take, Take::Json(_))
                && !is_blank
                && (self.always_told || !self.asking.is_json(answer)))
    }

    /// Takes the answer's head, once it is whole; interim answers before it are nothing to us.
    fn head(&mut self) -> Result<Option<Head>> {
        let Self {
            raw,
            headers,
            asking,
            ..
        } = self;
        loop {
            headers.clear();
            let head = Head::parse(raw, |name, value| {
                if asking.wants(name) {
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
enum Broken {
    /// The server had closed the connection before the request reached it.
    Unread,
    Wrong(anyhow::Error),
}

impl Broken {
    fn cut() -> Self {
        Self::Wrong(anyhow!("the answer was cut short"))
    }
}

impl From<Broken> for anyhow::Error {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Unread => anyhow!(CLOSED),
            Broken::Wrong(error) => error,
        }
    }
}
