//! Beyond one process: enough servers on one NATS for more readers than one process may have sockets, and how long the
//! readers of a killed server take to reconnect.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

use super::LimitsPlan;
use super::http::{self, Connection};
use super::reader_process::{ARGUMENT, ReaderReply, ReaderRequest, text};
use super::report::limits::readers::FirstByteTimes;
use super::report::limits::scale::{GroupFigures, MessageCost, ScaleRun};
use super::report::provenance::Provenance;
use super::servers::{self, OwnServer, RunningServer};
use super::usage::{cpu_time, kernel_kib, settled_pss_kib};
use super::worker::Worker;

/// Servers of the larger group.
const SERVERS: usize = 5;

pub fn run(plan: &LimitsPlan<'_>, about: Provenance) -> Result<ScaleRun> {
    let nats = servers::nats_version().context("nats-server is not installed")?;
    let most = plan.setup.most_clients();
    let each = if plan.quick { 1000 } else { most };
    let messages = if plan.quick { 3 } else { 20 };
    let groups = [1, SERVERS].map(|size| measure(plan, size, each, messages));
    Ok(ScaleRun {
        about,
        nats,
        groups: groups.into_iter().collect::<Result<_>>()?,
    })
}

fn measure(plan: &LimitsPlan<'_>, size: usize, each: usize, messages: u64) -> Result<GroupFigures> {
    let scratch = TempDir::new()?;
    let core = plan.setup.core();
    let nats = servers::nats("nats-server", &scratch.path().join("nats"), core)?;
    let store = format!("nats://{}", nats.address);
    let start = || {
        let server = OwnServer {
            store: &store,
            ..OwnServer::default()
        };
        server.start("poll-vs-sse", &plan.setup.binary, core)
    };
    let servers = (0..size).map(|_| start());
    let mut servers: Vec<RunningServer> = servers.collect::<Result<_>>()?;
    let own_pids = pids(&servers);
    let before_kib = settled_pss_kib(&own_pids)?;
    let kernel_before_kib = kernel_kib()?;
    let readers = servers.iter().map(|server| {
        let mut readers = ReaderProcess::start(plan.setup.placement.load.first().copied())?;
        readers.open(server.address, each)?;
        Ok(readers)
    });
    let mut readers: Vec<ReaderProcess> = readers.collect::<Result<_>>()?;
    let held_kib = settled_pss_kib(&own_pids)?;
    let kernel_held_kib = kernel_kib()?;

    let mut publisher = Connection::open(servers[0].address)?;
    // The first message is not counted, because it includes all one-time work.
    publish(&mut publisher, &mut readers, 0)?;
    let mut rows = Vec::new();
    for number in 1..=messages {
        let own_before = cpu_time(&own_pids)?;
        let nats_before = cpu_time(&nats.process.pids())?;
        let delays = publish(&mut publisher, &mut readers, number)?;
        let own = cpu_time(&own_pids)? - own_before;
        let nats = cpu_time(&nats.process.pids())? - nats_before;
        rows.push(MessageCost {
            cpu_ns: u64::try_from(own.as_nanos())?,
            nats_cpu_ns: u64::try_from(nats.as_nanos())?,
            ..delays
        });
    }
    let moved = match size {
        1 => None,
        _ => Some(move_readers(
            &mut servers,
            &mut readers,
            &mut publisher,
            messages,
            start,
        )?),
    };
    Ok(GroupFigures {
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

/// Kills the last server while its readers are connected, publishes to the others, and then reconnects the readers to a
/// substitute server.
fn move_readers(
    servers: &mut Vec<RunningServer>,
    readers: &mut [ReaderProcess],
    publisher: &mut Connection,
    last: u64,
    start: impl Fn() -> Result<RunningServer>,
) -> Result<FirstByteTimes> {
    let substitute = start()?;
    servers.pop().context("a server")?.process.kill();
    let (gone, others) = readers.split_last_mut().context("readers")?;
    for number in last + 1..=last + 3 {
        publish(publisher, others, number)?;
    }
    let served = gone.move_to(substitute.address)?;
    gone.receive(last + 3)?;
    servers.push(substitute);
    // All readers must receive the same messages again.
    publish(publisher, readers, last + 4)?;
    Ok(served)
}

fn pids(servers: &[RunningServer]) -> Vec<i32> {
    let all = servers.iter();
    all.flat_map(|server| server.process.pids()).collect()
}

/// Publishes a message and waits until all readers have received it.
fn publish(
    publisher: &mut Connection,
    readers: &mut [ReaderProcess],
    number: u64,
) -> Result<MessageCost> {
    for one in &mut *readers {
        one.0.send(&ReaderRequest::Receive { number })?;
    }
    let text = text(number);
    let body = format!(r#"{{"room":"bench","author":"mina","text":"{text}"}}"#);
    let answer = publisher.ask(&http::post(
        "/messages",
        "application/json",
        body.as_bytes(),
    ))?;
    ensure!(answer.status == 201, "publish: status {}", answer.status);
    let mut message = MessageCost::default();
    for one in readers {
        let ReaderReply::Received(delays) = one.0.receive()? else {
            bail!("the reply does not match the request")
        };
        message.p50_us.push(delays.p50_us);
        message.p99_us.push(delays.p99_us);
        message.longest_us = message.longest_us.max(delays.longest_us);
    }
    Ok(message)
}

/// A process of readers.
struct ReaderProcess(Worker<ReaderRequest, ReaderReply>);

impl ReaderProcess {
    fn start(core: Option<usize>) -> Result<Self> {
        Worker::start(&[ARGUMENT], core).map(Self)
    }

    fn open(&mut self, server: SocketAddr, count: usize) -> Result<()> {
        self.0.ask(&ReaderRequest::Open { server, count }).map(drop)
    }

    fn move_to(&mut self, server: SocketAddr) -> Result<FirstByteTimes> {
        match self.0.ask(&ReaderRequest::Move { server })? {
            ReaderReply::Opened(served) => Ok(served),
            ReaderReply::Received(_) => bail!("the reply does not match the request"),
        }
    }

    fn receive(&mut self, number: u64) -> Result<()> {
        self.0.ask(&ReaderRequest::Receive { number }).map(drop)
    }
}
