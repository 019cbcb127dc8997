//! A server with its subscribers. Messages are published one at a time, each after every subscriber has received the
//! one before. The cost includes the publish itself, on every side.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hdrhistogram::Histogram;

use super::certificate::Certificate;
use super::frame::{self, PublishTemplate, STREAM};
use super::http::Connection;
use super::nginx::{self, NginxConfig};
use super::report::limits::delivery::DelayQuantiles;
use super::rounds::{self, Work};
use super::servers::RunningServer;
use super::subscribers::Subscribers;

/// One server with its subscribers.
pub struct FanOutSide {
    name: &'static str,
    subject: RunningServer,
    publisher: Connection,
    publish_at: SocketAddr,
    publish: PublishTemplate,
    stream: &'static str,
    lifetime: Option<Duration>,
    subscribers: Subscribers,
    opened_at: Instant,
    spin: bool,
    published: u64,
    /// Microseconds from a publish to each arrival.
    delays: Histogram<u64>,
}

/// The paths of a server for subscribing and publishing.
pub struct FanOutRoutes {
    pub stream: &'static str,
    /// Streams older than this are reopened before a slice, because the server ends them after some time.
    pub lifetime: Option<Duration>,
    pub publish_at: SocketAddr,
    pub publish: PublishTemplate,
}

impl FanOutSide {
    pub fn open(
        name: &'static str,
        subject: RunningServer,
        publish: PublishTemplate,
        subscribers: usize,
        spin: bool,
    ) -> Result<Self> {
        let paths = FanOutRoutes {
            stream: STREAM,
            lifetime: None,
            publish_at: subject.address,
            publish,
        };
        Self::open_with(name, subject, paths, subscribers, spin)
    }

    /// The same for a server with other routes than this project's.
    pub fn open_with(
        name: &'static str,
        subject: RunningServer,
        paths: FanOutRoutes,
        subscribers: usize,
        spin: bool,
    ) -> Result<Self> {
        let FanOutRoutes {
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

    pub fn delays(&mut self) -> DelayQuantiles {
        DelayQuantiles::from_histogram(self.name, &self.delays)
    }

    /// Publishes one message and waits until all subscribers have received it.
    fn deliver(&mut self) -> Result<Work> {
        let number = self.published;
        self.published += 1;
        let request = self.publish.request(number);
        if self.publisher.is_closed() {
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
        self.subscribers.drain()?;
        self.deliver()?;
        // The delays of the warm-up are not counted either.
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

/// Publishes whole frames, to the baseline server.
pub fn frame_template(frame: &[u8]) -> Result<PublishTemplate> {
    PublishTemplate::bytes(STREAM, frame.to_vec())
}

/// Publishes the data of a frame, to nchan.
pub fn data_template(frame: &[u8]) -> Result<PublishTemplate> {
    PublishTemplate::bytes("/publish", frame::data_in(frame)?)
}

/// nchan's locations: one for publishing, two for subscribing.
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

/// nchan, if its module is installed: at `module`, or at Debian's path.
pub fn nchan(
    name: &str,
    module: Option<&Path>,
    core: Option<usize>,
) -> Result<Option<RunningServer>> {
    let Some(module) = nginx::nchan_module(module) else {
        return Ok(None);
    };
    let directives = NginxConfig {
        modules: &format!("load_module {};", module.display()),
        locations: NCHAN,
        ..NginxConfig::default()
    };
    nginx::start(name, &directives, core).map(Some)
}

/// The same with Debian's module, and its second address, for HTTP/2 over TLS.
pub fn nchan_with_tls(
    name: &str,
    core: Option<usize>,
    certificate: &Certificate,
) -> Result<Option<(RunningServer, SocketAddr)>> {
    let Some(module) = nginx::nchan_module(None) else {
        return Ok(None);
    };
    let directives = NginxConfig {
        modules: &format!("load_module {};", module.display()),
        locations: NCHAN,
        ..NginxConfig::default()
    };
    nginx::start_with_tls(name, &directives, core, certificate).map(Some)
}
