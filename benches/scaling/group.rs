//! One, two and three servers on one NATS: the cost of a delivery to the group, and the delay of a message on the
//! server it was published to and on the others.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::http::{self, Connection, RESPONSE_TIMEOUT};
use super::reader::Reader;
use super::report::provenance::Provenance;
use super::report::scaling::group::{self as report, DeliveryTimes};
use super::rounds::{self, RoundSizes, Work};
use super::servers::{self, OwnServer, RunningServer};
use super::subscribers::Subscribers;
use super::usage;

const NAMES: [&str; 3] = ["one server", "two servers", "three servers"];
const ROOM: &str = "bench";
/// The room for timing messages, which has no readers but those that are timed.
const QUIET_ROOM: &str = "timed";
/// Messages in a slice, after which another group has its turn.
const SLICE: u64 = 10;
/// The pause between two timed messages.
const PAUSE: Duration = Duration::from_millis(5);

/// The size of the measurement.
#[derive(Clone, Copy)]
pub struct GroupSizes {
    pub readers: usize,
    pub rounds: usize,
    pub messages: u64,
    /// Messages that are timed individually.
    pub timed: usize,
}

/// Measures groups of each size, each with its own NATS server.
pub fn run(
    binary: &Path,
    scratch: &Path,
    core: Option<usize>,
    amount: GroupSizes,
    about: Provenance,
) -> Result<report::GroupRun> {
    let nats = servers::nats_version().context("nats-server is not installed")?;
    let groups = NAMES.iter().enumerate().map(|(at, name)| {
        let directory = scratch.join(format!("nats-{at}"));
        ServerGroup::start(name, at + 1, binary, &directory, core, amount.readers)
    });
    let mut groups: Vec<ServerGroup> = groups.collect::<Result<_>>()?;
    let amounts = RoundSizes {
        rounds: amount.rounds,
        per_round: amount.messages,
        per_slice: SLICE,
    };
    let rounds = rounds::run_alternating(&mut groups, amounts)?;
    let rounds = rounds.into_iter().map(|round| {
        let group = groups.iter().find(|group| group.name == round.side);
        let group = group.context("the round belongs to no group")?;
        let slices = usize::try_from(amount.messages.div_ceil(SLICE))?;
        // The very first slice is not counted.
        let from = 1 + (round.round - 1) * slices;
        let own = group
            .nats_ns
            .get(from..from + slices)
            .context("slices are missing")?;
        Ok(report::GroupRound {
            servers: group.servers.len(),
            round: round.round,
            deliveries: round.units,
            cpu_ns: round.cpu_ns,
            nats_cpu_ns: own.iter().sum(),
        })
    });
    let rounds = rounds.collect::<Result<_>>()?;
    let pair = &groups[1].servers;
    let seen = time_deliveries(pair[0].address, pair[1].address, amount.timed)?;
    Ok(report::GroupRun {
        about,
        nats,
        readers: amount.readers,
        rounds,
        seen,
    })
}

struct ServerGroup {
    name: &'static str,
    servers: Vec<RunningServer>,
    publishers: Vec<Connection>,
    readers: Vec<Subscribers>,
    published: u64,
    /// CPU time of NATS in each slice so far.
    nats_ns: Vec<u64>,
    /// Dropped after the servers, which are declared before it.
    nats: RunningServer,
}

impl ServerGroup {
    fn start(
        name: &'static str,
        size: usize,
        binary: &Path,
        directory: &Path,
        core: Option<usize>,
        readers: usize,
    ) -> Result<Self> {
        let nats = servers::nats("nats-server", directory, core)?;
        let store = format!("nats://{}", nats.address);
        let ours = OwnServer {
            store: &store,
            ..OwnServer::default()
        };
        let start = |_| ours.start(name, binary, core);
        let servers: Vec<RunningServer> = (0..size).map(start).collect::<Result<_>>()?;
        let publishers = servers
            .iter()
            .map(|server| Connection::open(server.address));
        let publishers = publishers.collect::<Result<_>>()?;
        let subscribe = |server: &RunningServer| {
            let each = readers / size;
            Subscribers::open(server.address, &stream_path(ROOM), each, false)
                .with_context(|| format!("subscribe to {name}"))
        };
        Ok(Self {
            name,
            readers: servers.iter().map(subscribe).collect::<Result<_>>()?,
            servers,
            publishers,
            published: 0,
            nats_ns: Vec::new(),
            nats,
        })
    }

    /// Publishes one message to the next server in turn, and waits until all readers have received it.
    fn deliver(&mut self) -> Result<Work> {
        let tag = format!("m{:09}", self.published);
        let turn = usize::try_from(self.published)? % self.publishers.len();
        self.published += 1;
        let publisher = &mut self.publishers[turn];
        publisher.send(&publish_request(ROOM, &tag))?;
        let mut work = Work::default();
        for readers in &mut self.readers {
            work += readers.receive(tag.as_bytes())?;
        }
        let answer = publisher.answer()?;
        ensure!(answer.status == 201, "publish: status {}", answer.status);
        Ok(work)
    }
}

fn stream_path(room: &str) -> String {
    format!("/stream?room={room}&last=0")
}

fn publish_request(room: &str, tag: &str) -> Vec<u8> {
    let body = format!(
        r#"{{"room":"{room}","author":"mina","text":"{tag} should this page poll, or should it use SSE?"}}"#
    );
    http::post("/messages", "application/json", body.as_bytes())
}

impl rounds::Contender for ServerGroup {
    fn name(&self) -> &'static str {
        self.name
    }

    fn pids(&self) -> Vec<i32> {
        let all = self.servers.iter().chain([&self.nats]);
        all.flat_map(|one| one.process.pids()).collect()
    }

    fn warm_up(&mut self) -> Result<()> {
        self.readers.iter_mut().try_for_each(Subscribers::drain)?;
        self.deliver().map(drop)
    }

    fn work(&mut self, amount: u64) -> Result<Work> {
        let nats = self.nats.process.pids();
        let before = usage::cpu_time(&nats)?;
        let work = rounds::repeat(amount, || self.deliver())?;
        let spent = usage::cpu_time(&nats)? - before;
        self.nats_ns.push(u64::try_from(spent.as_nanos())?);
        Ok(work)
    }

    fn units_expected(&self, amount: u64) -> u64 {
        amount
            * self
                .readers
                .iter()
                .map(|readers| readers.len() as u64)
                .sum::<u64>()
    }
}

/// Publishes messages to `here`, one by one, and measures when a reader of each server receives them.
fn time_deliveries(
    here: SocketAddr,
    there: SocketAddr,
    messages: usize,
) -> Result<Vec<DeliveryTimes>> {
    let (at_here, at_there) = (arrival_times(here)?, arrival_times(there)?);
    let mut publisher = Connection::open(here)?;
    (0..messages)
        .map(|number| {
            let begin = Instant::now();
            let answer = publisher.ask(&publish_request(QUIET_ROOM, &format!("timed{number}")))?;
            ensure!(answer.status == 201, "publish: status {}", answer.status);
            let after = |at: Instant| (at - begin).as_micros() as u64;
            let answered_us = after(Instant::now());
            let came = |times: &Receiver<Result<Instant>>| {
                let at = times
                    .recv_timeout(RESPONSE_TIMEOUT)
                    .context("a message did not come")??;
                Ok::<_, anyhow::Error>(after(at))
            };
            let seen = DeliveryTimes {
                here_us: came(&at_here)?,
                there_us: came(&at_there)?,
                answered_us,
            };
            std::thread::sleep(PAUSE);
            Ok(seen)
        })
        .collect()
}

/// The times at which a reader of `address` receives messages, from now on.
fn arrival_times(address: SocketAddr) -> Result<Receiver<Result<Instant>>> {
    let mut reader = Reader::open(address, &stream_path(QUIET_ROOM), None)?;
    let (sender, times) = channel();
    std::thread::spawn(move || {
        let mut seen = Vec::new();
        loop {
            let more = reader.read_some(&mut seen);
            let now = Instant::now();
            let sent = match more {
                Ok(true) => seen.drain(..).try_for_each(|_| sender.send(Ok(now))),
                Ok(false) => return,
                Err(error) => sender.send(Err(error)),
            };
            // The receiver was dropped.
            if sent.is_err() {
                return;
            }
        }
    });
    Ok(times)
}
