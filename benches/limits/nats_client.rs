//! Publishers that use NATS's own client for JetStream, in a separate process. They publish the same messages as this
//! project's server, and each publisher sends its next message after the acknowledgement of the last.
//!
//! The process is this same executable started again with `ARGUMENT`.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, bail, ensure};
use async_nats::jetstream::{self, message::PublishMessage};
use futures_util::future::try_join_all;
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use super::fill;
use super::frame;
use super::report::limits::nats_publish::{CLIENT, DelayQuantiles};
use super::rounds::{self, Work};
use super::worker::{self, Worker};

/// The first argument that makes this executable the publishers' process.
pub const ARGUMENT: &str = "__nats_client";
/// The deadline for storing a message, which this project's server writes into each message.
const VALID_FOR: Duration = Duration::from_millis(3200);

/// A request to the publishers' process.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub enum NatsClientRequest {
    /// Publish `messages` messages in total. Delays of a warm-up are not recorded.
    Publish {
        messages: u64,
        is_warm_up: bool,
    },
    Report,
}

/// The reply to a request.
#[derive(Debug, Serialize, Deserialize)]
pub enum NatsClientReply {
    Published,
    DelayQuantiles(DelayQuantiles),
}

/// The publishers' process as one side of the comparison.
pub struct NatsClient {
    worker: Worker<NatsClientRequest, NatsClientReply>,
    publishers: u64,
}

impl NatsClient {
    /// Starts publishers to a NATS server that has no stream yet.
    pub fn start(servers: &str, publishers: usize, core: Option<usize>) -> Result<Self> {
        let log = fill::create_stream(servers)?;
        let count = publishers.to_string();
        Ok(Self {
            worker: Worker::start(&[ARGUMENT, servers, &log, &count], core)?,
            publishers: publishers as u64,
        })
    }

    pub fn delays(&mut self) -> Result<DelayQuantiles> {
        match self.worker.ask(&NatsClientRequest::Report)? {
            NatsClientReply::DelayQuantiles(delays) => Ok(delays),
            NatsClientReply::Published => bail!("the reply does not match the request"),
        }
    }

    fn publish(&mut self, messages: u64, is_warm_up: bool) -> Result<()> {
        let request = NatsClientRequest::Publish {
            messages,
            is_warm_up,
        };
        self.worker.ask(&request).map(drop)
    }
}

impl rounds::Contender for NatsClient {
    fn name(&self) -> &'static str {
        CLIENT
    }

    fn pids(&self) -> Vec<i32> {
        vec![self.worker.pid()]
    }

    fn warm_up(&mut self) -> Result<()> {
        self.publish(self.publishers, true)
    }

    fn work(&mut self, amount: u64) -> Result<Work> {
        self.publish(amount, false)?;
        Ok(Work {
            units: amount,
            wire_bytes: 0,
        })
    }

    fn units_expected(&self, amount: u64) -> u64 {
        amount
    }
}

/// Serves requests until standard input ends. `arguments` are those after `ARGUMENT`.
pub fn serve(mut arguments: impl Iterator<Item = String>) -> Result<()> {
    let mut next = || arguments.next().context("an argument is missing");
    let (servers, log, publishers) = (next()?, next()?, next()?.parse()?);
    // One thread for everything is the cheapest.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    // The client starts tasks when it is made.
    let _entered = runtime.enter();
    let client = runtime.block_on(async_nats::connect(&servers))?;
    let publishers = NatsPublishers {
        jetstream: jetstream::new(client),
        subject: fill::subject(&servers, "bench"),
        log,
        count: publishers,
        published: Cell::new(0),
        delays: RefCell::new(rounds::delays()?),
    };
    worker::serve(|request| match request {
        NatsClientRequest::Publish {
            messages,
            is_warm_up,
        } => {
            runtime.block_on(publishers.publish(messages, is_warm_up))?;
            Ok(NatsClientReply::Published)
        }
        NatsClientRequest::Report => Ok(NatsClientReply::DelayQuantiles(
            DelayQuantiles::from_histogram(CLIENT, &publishers.delays.borrow()),
        )),
    })
}

struct NatsPublishers {
    jetstream: jetstream::Context,
    subject: String,
    log: String,
    count: usize,
    published: Cell<u64>,
    /// Microseconds from a publish to its acknowledgement.
    delays: RefCell<Histogram<u64>>,
}

impl NatsPublishers {
    async fn publish(&self, messages: u64, is_warm_up: bool) -> Result<()> {
        let left = Cell::new(messages);
        let all = (0..self.count).map(|_| async {
            while let Some(rest) = left.get().checked_sub(1) {
                left.set(rest);
                let delay = self.publish_one().await?;
                if !is_warm_up {
                    let delay = u64::try_from(delay.as_micros())?;
                    self.delays.borrow_mut().saturating_record(delay);
                }
            }
            Ok::<_, anyhow::Error>(())
        });
        try_join_all(all).await.map(drop)
    }

    async fn publish_one(&self) -> Result<Duration> {
        let number = self.published.get();
        self.published.set(number + 1);
        let begin = Instant::now();
        let id = format!("bench-{number}");
        let publish = PublishMessage::build()
            .payload(self.payload(number, &id)?.into())
            .message_id(&id);
        let sending = self.jetstream.send_publish(self.subject.clone(), publish);
        let acknowledged = sending.await?.await.context("no acknowledgement")?;
        ensure!(!acknowledged.duplicate, "{id} was taken for a duplicate");
        Ok(begin.elapsed())
    }

    /// A message in the form in which this server stores it.
    fn payload(&self, number: u64, id: &str) -> Result<String> {
        let now_us = SystemTime::UNIX_EPOCH.elapsed()?.as_micros();
        let deadline_us = now_us + VALID_FOR.as_micros();
        let (log, text) = (&self.log, frame::text(number));
        Ok(format!(
            r#"{{"author":"mina","text":"{text}","log":"{log}","publish":"{id}","deadline_us":{deadline_us},"floor_us":{now_us},"newest":{number},"known":{number}}}"#
        ))
    }
}
