//! Past one process: as many servers on one NATS as it takes for more readers than one process may have sockets, and
//! what the end of one of them costs.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

use super::Plan;
use super::http::{self, Connection};
use super::reader_process::{ARGUMENT, Order, Outcome, text};
use super::report::limits::readers::Served;
use super::report::limits::scale::{Group, Message, Scale};
use super::report::provenance::Provenance;
use super::servers::{self, OwnServer, RunningServer};
use super::usage::{cpu_time, kernel_kib, settled_pss_kib};
use super::worker::Worker;

/// Servers of the larger group.
const SERVERS: usize = 5;
/// Descriptors of a server that are not its readers': a sixteenth is kept for telling that there is no room.
const SPARE_DESCRIPTORS: u64 = 1500;

pub fn run(plan: &Plan<'_>, about: Provenance) -> Result<Scale> {
    let nats = servers::nats_version().context("nats-server is not installed")?;
    let most = usize::try_from(plan.stage.descriptors.saturating_sub(SPARE_DESCRIPTORS))?;
    let each = if plan.quick { 1000 } else { most };
    let messages = if plan.quick { 3 } else { 20 };
    let groups = [1, SERVERS].map(|size| measure(plan, size, each, messages));
    Ok(Scale {
        about,
        nats,
        groups: groups.into_iter().collect::<Result<_>>()?,
    })
}

fn measure(plan: &Plan<'_>, size: usize, each: usize, messages: u64) -> Result<Group> {
    let scratch = TempDir::new()?;
    let core = plan.stage.core();
    let nats = servers::nats("nats-server", &scratch.path().join("nats"), core)?;
    let store = format!("nats://{}", nats.address);
    let start = || {
        let server = OwnServer {
            store: &store,
            ..OwnServer::default()
        };
        server.start("poll-vs-sse", &plan.stage.binary, core)
    };
    let servers = (0..size).map(|_| start());
    let mut servers: Vec<RunningServer> = servers.collect::<Result<_>>()?;
    let own_pids = pids(&servers);
    let before_kib = settled_pss_kib(&own_pids)?;
    let kernel_before_kib = kernel_kib()?;
    let readers = servers.iter().map(|server| {
        let mut readers = ReaderProcess::start(plan.stage.placement.load.first().copied())?;
        readers.open(server.address, each)?;
        Ok(readers)
    });
    let mut readers: Vec<ReaderProcess> = readers.collect::<Result<_>>()?;
    let held_kib = settled_pss_kib(&own_pids)?;
    let kernel_held_kib = kernel_kib()?;

    let mut publisher = Connection::open(servers[0].address)?;
    // The first is not counted: it has all that is made once.
    publish(&mut publisher, &mut readers, 0)?;
    let mut rows = Vec::new();
    for number in 1..=messages {
        let own_before = cpu_time(&own_pids)?;
        let nats_before = cpu_time(&nats.process.pids())?;
        let delays = publish(&mut publisher, &mut readers, number)?;
        let own = cpu_time(&own_pids)? - own_before;
        let nats = cpu_time(&nats.process.pids())? - nats_before;
        rows.push(Message {
            cpu_ns: u64::try_from(own.as_nanos())?,
            nats_cpu_ns: u64::try_from(nats.as_nanos())?,
            ..delays
        });
    }
    let moved = match size {
        1 => None,
        _ => Some(move_from_one(
            &mut servers,
            &mut readers,
            &mut publisher,
            messages,
            start,
        )?),
    };
    Ok(Group {
        servers: size,
        readers: size * each,
        before_kib,
        held_kib,
        kernel_before_kib,
        kernel_held_kib,
        messages: rows,
        moved,
    })
}

/// Kills the last server with its readers connected, publishes to the others meanwhile, and lets the readers go on at a
/// server that takes its place.
fn move_from_one(
    servers: &mut Vec<RunningServer>,
    readers: &mut [ReaderProcess],
    publisher: &mut Connection,
    last: u64,
    start: impl Fn() -> Result<RunningServer>,
) -> Result<Served> {
    let substitute = start()?;
    servers.pop().context("a server")?.process.kill();
    let (gone, others) = readers.split_last_mut().context("readers")?;
    for number in last + 1..=last + 3 {
        publish(publisher, others, number)?;
    }
    let served = gone.go_on_at(substitute.address)?;
    gone.receive(last + 3)?;
    servers.push(substitute);
    // They are all the same again.
    publish(publisher, readers, last + 4)?;
    Ok(served)
}

fn pids(servers: &[RunningServer]) -> Vec<i32> {
    let all = servers.iter();
    all.flat_map(|server| server.process.pids()).collect()
}

/// Publishes a message and waits until all readers have it.
fn publish(
    publisher: &mut Connection,
    readers: &mut [ReaderProcess],
    number: u64,
) -> Result<Message> {
    for one in &mut *readers {
        one.0.tell(&Order::Receive { number })?;
    }
    let text = text(number);
    let body = format!(r#"{{"room":"bench","author":"mina","text":"{text}"}}"#);
    let answer = publisher.ask(&http::post(
        "/messages",
        "application/json",
        body.as_bytes(),
    ))?;
    ensure!(answer.status == 201, "publish: status {}", answer.status);
    let mut message = Message::default();
    for one in readers {
        let Outcome::Received(delays) = one.0.hear()? else {
            bail!("another outcome than was asked for")
        };
        message.p50_us.push(delays.p50_us);
        message.p99_us.push(delays.p99_us);
        message.longest_us = message.longest_us.max(delays.longest_us);
    }
    Ok(message)
}

/// A process of readers.
struct ReaderProcess(Worker<Order, Outcome>);

impl ReaderProcess {
    fn start(core: Option<usize>) -> Result<Self> {
        Worker::start(&[ARGUMENT], core).map(Self)
    }

    fn open(&mut self, server: SocketAddr, count: usize) -> Result<()> {
        self.0.ask(&Order::Open { server, count }).map(drop)
    }

    fn go_on_at(&mut self, server: SocketAddr) -> Result<Served> {
        match self.0.ask(&Order::Move { server })? {
            Outcome::Opened(served) => Ok(served),
            Outcome::Received(_) => bail!("another outcome than was asked for"),
        }
    }

    fn receive(&mut self, number: u64) -> Result<()> {
        self.0.ask(&Order::Receive { number }).map(drop)
    }
}
