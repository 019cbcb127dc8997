//! A server with its subscribers, to whom one message after another is published: the next once every
//! subscriber has the last. The publish itself is part of what it costs, on every side.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hdrhistogram::Histogram;

use super::certificate::Certificate;
use super::frame::{self, Publish, STREAM};
use super::http::Connection;
use super::report::limits::delivery::Delays;
use super::rounds::{self, Work};
use super::servers::{self, Nginx, RunningServer};
use super::subscribers::Subscribers;

/// One server with its subscribers.
pub struct FanOutSide {
    name: &'static str,
    subject: RunningServer,
    publisher: Connection,
    publish_at: SocketAddr,
    publish: Publish,
    stream: &'static str,
    lifetime: Option<Duration>,
    subscribers: Subscribers,
    opened_at: Instant,
    spin: bool,
    published: u64,
    /// Microseconds from a publish to each arrival.
    delays: Histogram<u64>,
}

/// How a side is spoken to.
pub struct Paths {
    pub stream: &'static str,
    /// Streams that are older are opened again before a slice: the server ends them some time.
    pub lifetime: Option<Duration>,
    pub publish_at: SocketAddr,
    pub publish: Publish,
}

impl FanOutSide {
    pub fn open(
        name: &'static str,
        subject: RunningServer,
        publish: Publish,
        subscribers: usize,
        spin: bool,
    ) -> Result<Self> {
        let paths = Paths {
            stream: STREAM,
            lifetime: None,
            publish_at: subject.address,
            publish,
        };
        Self::open_with(name, subject, paths, subscribers, spin)
    }

    /// The same of a server that is spoken to otherwise.
    pub fn open_with(
        name: &'static str,
        subject: RunningServer,
        paths: Paths,
        subscribers: usize,
        spin: bool,
    ) -> Result<Self> {
        let Paths {
            stream,
            lifetime,
            publish_at,
            publish,
        } = paths;
        let publisher = Connection::open(publish_at)?;
        let subscribers = Subscribers::open(subject.address, stream, subscribers, spin)
            .with_context(|| format!("subscribe to {name}"))?;
        Ok(Self {
            name,
            subject,
            publisher,
            publish_at,
            publish,
            stream,
            lifetime,
            subscribers,
            opened_at: Instant::now(),
            spin,
            published: 0,
            delays: rounds::delays()?,
        })
    }

    pub fn delays(&mut self) -> Delays {
        Delays::of(self.name, &self.delays)
    }

    /// Publishes one message and waits until all have it.
    fn deliver(&mut self) -> Result<Work> {
        let number = self.published;
        self.published += 1;
        let request = self.publish.request(number);
        if self.publisher.is_over() {
            self.publisher = Connection::open(self.publish_at)?;
        }
        self.subscribers.note_publish();
        self.publisher.send(&request)?;
        let received = self.subscribers.receive(frame::tag(number).as_bytes())?;
        let answer = self.publisher.answer()?;
        ensure!(
            answer.status / 100 == 2,
            "publish: status {}",
            answer.status
        );
        Ok(received)
    }
}

impl rounds::Contender for FanOutSide {
    fn name(&self) -> &'static str {
        self.name
    }

    fn pids(&self) -> Vec<i32> {
        self.subject.process.pids()
    }

    fn warm_up(&mut self) -> Result<()> {
        if self
            .lifetime
            .is_some_and(|lifetime| self.opened_at.elapsed() > lifetime)
        {
            let (count, address) = (self.subscribers.len(), self.subject.address);
            self.subscribers = Subscribers::open(address, self.stream, count, self.spin)?;
            self.opened_at = Instant::now();
        }
        self.subscribers.settle()?;
        self.deliver()?;
        // Not counted either.
        self.subscribers.take_delays();
        Ok(())
    }

    fn work(&mut self, amount: u64) -> Result<Work> {
        let work = rounds::repeat(amount, || self.deliver())?;
        self.delays.add(self.subscribers.take_delays())?;
        Ok(work)
    }

    fn units_expected(&self, amount: u64) -> u64 {
        amount * self.subscribers.len() as u64
    }
}

/// The publishing of the same frames at the floor.
pub fn as_frames(frame: &[u8]) -> Result<Publish> {
    Publish::bytes(STREAM, frame.to_vec())
}

/// The publishing of the same data at nchan.
pub fn as_data(frame: &[u8]) -> Result<Publish> {
    Publish::bytes("/publish", frame::data_in(frame)?)
}

/// What nchan is told: messages go in at one address, and out at two.
const NCHAN: &str = "location = /publish { nchan_publisher; nchan_channel_id bench; }
    location = /stream {
        nchan_subscriber eventsource;
        nchan_channel_id bench;
        nchan_subscriber_first_message newest;
    }
    location = /poll {
        nchan_subscriber longpoll;
        nchan_channel_id bench;
        nchan_subscriber_first_message newest;
    }";

/// nchan, where its module is installed: at `module`, or where Debian has it.
pub fn nchan(
    name: &str,
    module: Option<&Path>,
    core: Option<usize>,
) -> Result<Option<RunningServer>> {
    let Some(module) = servers::nchan_module(module) else {
        return Ok(None);
    };
    let directives = Nginx {
        modules: &format!("load_module {};", module.display()),
        locations: NCHAN,
        ..Nginx::default()
    };
    servers::nginx(name, &directives, core).map(Some)
}

/// Debian's, with HTTP/2 and TLS at a second address, which comes with it.
pub fn nchan_with_tls(
    name: &str,
    core: Option<usize>,
    certificate: &Certificate,
) -> Result<Option<(RunningServer, SocketAddr)>> {
    let Some(module) = servers::nchan_module(None) else {
        return Ok(None);
    };
    let directives = Nginx {
        modules: &format!("load_module {};", module.display()),
        locations: NCHAN,
        ..Nginx::default()
    };
    servers::nginx_with_tls(name, &directives, core, certificate).map(Some)
}
