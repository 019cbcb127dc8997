//! A message to more and more readers, compared with the cheapest possible loop, and a burst of many messages.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use super::LimitsPlan;
use super::baseline_server::Task;
use super::fan_out::{self, FanOutRoutes, FanOutSide};
use super::frame::{self, PublishTemplate};
use super::http::{self, Connection};
use super::peers::{self, Pushpin};
use super::report::limits::delivery::{Burst, DeliveryRun, DeliverySize, FLOOR, OURS, WRITE_FLOOR};
use super::report::limits::peers::{DURABLE_STREAMS, NCHAN, PUSHPIN};
use super::report::provenance::Provenance;
use super::rounds::{self, RoundSizes};
use super::servers::{self, OwnServer};
use super::subscribers::Subscribers;
use super::usage::cpu_time;

/// The numbers of readers, without the largest.
const READERS: [usize; 3] = [100, 1000, 5000];
const DELIVERIES_PER_ROUND: usize = 100_000;
const BURST_READERS: usize = 1000;
const BURST_MESSAGES: u64 = 10_000;
/// The burst's publishers. On one connection each publish would wait for the answer to the one before.
const BURST_PUBLISHERS: u64 = 8;

pub fn run(plan: &LimitsPlan<'_>, about: Provenance) -> Result<DeliveryRun> {
    let peers = peers::peers();
    let largest = plan.readers;
    let readers = READERS.into_iter().filter(|readers| *readers < largest);
    let mut sizes = Vec::new();
    for readers in readers.chain([largest]) {
        let size = measure(plan, readers).with_context(|| format!("{readers} readers"))?;
        sizes.push(size);
    }
    let bursts = (0..if plan.quick { 1 } else { 3 }).map(|_| burst(plan));
    Ok(DeliveryRun {
        about,
        peers,
        sizes,
        bursts: bursts.collect::<Result<_>>()?,
    })
}

fn measure(plan: &LimitsPlan<'_>, readers: usize) -> Result<DeliverySize> {
    let core = plan.setup.core();
    let rounds = if plan.quick { 2 } else { 8 };
    let messages = (DELIVERIES_PER_ROUND / readers).clamp(10, 500);
    let ours = OwnServer::default().start(OURS, &plan.setup.binary, core)?;
    frame::raise_ids(&ours, (rounds * messages * 2) as u64)?;
    let frame = frame::learn_frame(&ours)?;
    let open = |name, subject, publish| {
        FanOutSide::open(name, subject, publish, readers, plan.setup.may_spin())
    };
    let open_floor = |name, task| {
        let floor = servers::floor(name, &task, core)?;
        open(name, floor, fan_out::frame_template(&frame)?)
    };
    let mut sides = vec![
        open_floor(FLOOR, Task::Send)?,
        open(OURS, ours, PublishTemplate::Message)?,
    ];
    // The other servers are measured if one process may have that many connections.
    if readers * 6 <= plan.most_connections() {
        sides.push(open_floor(WRITE_FLOOR, Task::Write)?);
        if let Some(nchan) = fan_out::nchan(NCHAN, None, core)? {
            sides.push(open(NCHAN, nchan, fan_out::data_template(&frame)?)?);
        }
        sides.extend(peer_sides(plan, readers, &frame)?);
    }
    let amounts = RoundSizes {
        rounds,
        per_round: messages as u64,
        per_slice: (messages as u64 / 10).max(2),
    };
    let rounds = rounds::run_alternating(&mut sides, amounts)?;
    Ok(DeliverySize {
        readers,
        messages_a_round: messages,
        frame_bytes: frame.len(),
        delays: sides.iter_mut().map(FanOutSide::delays).collect(),
        rounds,
    })
}

/// The installed servers that have protocols of their own.
fn peer_sides(plan: &LimitsPlan<'_>, readers: usize, frame: &[u8]) -> Result<Vec<FanOutSide>> {
    let (core, spin) = (plan.setup.core(), plan.setup.may_spin());
    let mut sides = Vec::new();
    if let Some(pushpin) = Pushpin::start(core)? {
        let (publish_at, publish) = pushpin.publish_template(frame)?;
        let paths = FanOutRoutes {
            stream: Pushpin::STREAM,
            lifetime: None,
            publish_at,
            publish,
        };
        // With Debian's settings Pushpin closes some of the readers if many connect at once.
        match FanOutSide::open_with(PUSHPIN, pushpin.server, paths, readers, spin) {
            Ok(side) => sides.push(side),
            Err(error) => println!("{PUSHPIN}: skipped with {readers} readers: {error:#}"),
        }
    }
    if let Some(server) = peers::durable_streams(core)? {
        let paths = FanOutRoutes {
            stream: peers::DURABLE_STREAM,
            lifetime: Some(peers::DURABLE_STREAM_LIFETIME),
            publish_at: server.address,
            publish: peers::durable_stream_template(frame)?,
        };
        let side = FanOutSide::open_with(DURABLE_STREAMS, server, paths, readers, spin);
        sides.push(side?);
    }
    Ok(sides)
}

/// Publishes many messages at once and waits until each reader has received all of them.
fn burst(plan: &LimitsPlan<'_>) -> Result<Burst> {
    let readers = BURST_READERS.min(plan.readers);
    let ours = OwnServer::default().start(OURS, &plan.setup.binary, plan.setup.core())?;
    frame::raise_ids(&ours, BURST_MESSAGES * 2)?;
    let mut subscribers =
        Subscribers::open(ours.address, frame::STREAM, readers, plan.setup.may_spin())?;
    let pids = ours.process.pids();
    let cpu_before = cpu_time(&pids)?;
    let begin = Instant::now();
    let each = BURST_MESSAGES / BURST_PUBLISHERS;
    let publishers = (0..BURST_PUBLISHERS).map(|publisher| {
        let address = ours.address;
        std::thread::spawn(move || -> Result<()> {
            let first = publisher * each;
            let requests: Vec<u8> = (first..first + each)
                .flat_map(|number| PublishTemplate::Message.request(number))
                .collect();
            let mut socket = TcpStream::connect(address)?;
            let reading = socket.try_clone()?;
            let reader = std::thread::spawn(move || check_answers(reading, each));
            socket.write_all(&requests).context("publish")?;
            reader.join().expect("a thread that does not panic")
        })
    });
    let publishers: Vec<_> = publishers.collect();
    let bytes = subscribers.receive_many(BURST_MESSAGES)?;
    let took = begin.elapsed();
    let cpu = cpu_time(&pids)? - cpu_before;
    for publisher in publishers {
        publisher.join().expect("a thread that does not panic")?;
    }
    Ok(Burst {
        readers,
        messages: BURST_MESSAGES,
        wall_ns: u64::try_from(took.as_nanos())?,
        cpu_ns: u64::try_from(cpu.as_nanos())?,
        wire_bytes: bytes,
    })
}

/// Checks that each publish was accepted.
fn check_answers(socket: TcpStream, count: u64) -> Result<()> {
    let mut connection = Connection::from_socket(socket)?;
    for _ in 0..count {
        let http::Answer { status, .. } = connection.answer()?;
        ensure!(status == 201, "publish: status {status}");
    }
    Ok(())
}
