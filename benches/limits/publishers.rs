//! Publishers to one server. Each sends its next message after the answer to the last.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use hdrhistogram::Histogram;
use poll_vs_sse_instrument::http::answer_reader::AnswerReader;

use super::epoll::Epoll;
use super::frame::PublishTemplate;
use super::rounds::{self, Work};
use super::servers::RunningServer;

/// Longest wait for an answer.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);

struct Publisher {
    socket: TcpStream,
    sent_at: Instant,
    answer: AnswerReader,
}

/// The publishers to one server, as one side of the comparison.
pub struct HttpPublishers {
    name: &'static str,
    server: RunningServer,
    epoll: Epoll,
    list: Vec<Publisher>,
    published: u64,
    spin: bool,
    /// Microseconds from a publish to its answer.
    delays: Histogram<u64>,
}

impl HttpPublishers {
    pub fn open(
        name: &'static str,
        server: RunningServer,
        count: usize,
        spin: bool,
    ) -> Result<Self> {
        let epoll = Epoll::new()?;
        let mut list = Vec::with_capacity(count);
        for token in 0..count {
            let socket = TcpStream::connect_timeout(&server.address, RESPONSE_TIMEOUT)
                .with_context(|| format!("connect to {name}"))?;
            socket.set_nodelay(true)?;
            socket.set_nonblocking(true)?;
            epoll.add(socket.as_fd(), token as u64)?;
            list.push(Publisher {
                socket,
                sent_at: Instant::now(),
                answer: AnswerReader::default(),
            });
        }
        Ok(Self {
            name,
            server,
            epoll,
            list,
            published: 0,
            spin,
            delays: rounds::delays()?,
        })
    }

    pub fn name(&self) -> &'static str {
        self.name
    }

    pub fn delays(&self) -> &Histogram<u64> {
        &self.delays
    }

    fn send(&mut self, token: usize) -> Result<()> {
        let request = PublishTemplate::Message.request(self.published % 10_000_000);
        self.published += 1;
        let publisher = &mut self.list[token];
        publisher.sent_at = Instant::now();
        publisher.socket.write_all(&request).context("publish")
    }

    /// Publishes `messages` messages in total, spread over all publishers.
    fn publish(&mut self, messages: u64) -> Result<u64> {
        let first = messages.min(self.list.len() as u64);
        for token in 0..usize::try_from(first)? {
            self.send(token)?;
        }
        let (mut sent, mut taken) = (first, 0);
        let mut last_answer = Instant::now();
        while taken < messages {
            let ready = self.epoll.wait(if self.spin { 0 } else { 100 })?;
            if ready > 0 {
                last_answer = Instant::now();
            }
            ensure!(
                last_answer.elapsed() < RESPONSE_TIMEOUT,
                "only {taken} of {messages} messages were accepted"
            );
            for index in 0..ready {
                let token = usize::try_from(self.epoll.token(index)).context("a token")?;
                let publisher = &mut self.list[token];
                if !publisher.is_taken()? {
                    continue;
                }
                let delay = publisher.sent_at.elapsed().as_micros();
                self.delays
                    .saturating_record(u64::try_from(delay).unwrap_or(u64::MAX));
                taken += 1;
                if sent < messages {
                    self.send(token)?;
                    sent += 1;
                }
            }
        }
        Ok(taken)
    }
}

impl Publisher {
    /// Reads, and returns whether the answer is complete. Fails if it does not report success.
    fn is_taken(&mut self) -> Result<bool> {
        let mut buffer = [0; 4096];
        let count = match self.socket.read(&mut buffer) {
            Ok(0) => bail!("the server closed a publisher"),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error).context("read an answer"),
        };
        let taken = self.answer.feed(&buffer[..count], |_| {})?;
        if !self.answer.is_complete() {
            return Ok(false);
        }
        let status = self.answer.head().map(|head| head.status);
        ensure!(
            status == Some(201) && taken == count,
            "publish: status {status:?}"
        );
        self.answer = AnswerReader::default();
        Ok(true)
    }
}

impl rounds::Contender for HttpPublishers {
    fn name(&self) -> &'static str {
        self.name
    }

    fn pids(&self) -> Vec<i32> {
        self.server.process.pids()
    }

    fn warm_up(&mut self) -> Result<()> {
        let delays = self.delays.clone();
        self.publish(self.list.len() as u64)?;
        self.delays = delays;
        Ok(())
    }

    fn work(&mut self, amount: u64) -> Result<Work> {
        Ok(Work {
            units: self.publish(amount)?,
            wire_bytes: 0,
        })
    }

    fn units_expected(&self, amount: u64) -> u64 {
        amount
    }
}
