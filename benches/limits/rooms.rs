//! As many rooms as readers: the cost of a publish with a single delivery, compared with a loop that does both.

use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::LimitsPlan;
use super::baseline_server::Task;
use super::frame::{self, PublishTemplate};
use super::http::{self, Connection};
use super::report::limits::rooms::{FLOOR, OURS, RoomPerReaderRun};
use super::report::provenance::Provenance;
use super::rounds::{self, RoundSizes, Work};
use super::servers::{self, OwnServer, RunningServer};
use super::subscribers::Subscribers;
use super::usage::settled_pss_kib;

pub fn run(plan: &LimitsPlan<'_>, about: Provenance) -> Result<RoomPerReaderRun> {
    let core = plan.setup.core();
    let readers = plan.readers.min(plan.most_connections() / 2);
    let mut sides = [
        floor(plan, readers)?,
        ours(&plan.setup.binary, core, readers, plan.setup.may_spin())?,
    ];
    let memory = &sides[1].memory;
    let (before_kib, held_kib) = (memory.before, memory.held);
    let amounts = RoundSizes {
        rounds: if plan.quick { 2 } else { 8 },
        per_round: readers as u64,
        per_slice: readers as u64 / 10,
    };
    Ok(RoomPerReaderRun {
        about,
        rooms: readers,
        before_kib,
        held_kib,
        rounds: rounds::run_alternating(&mut sides, amounts)?,
    })
}

fn path(room: usize) -> String {
    format!("/stream?room=room{room}&last=0")
}

fn floor(plan: &LimitsPlan<'_>, readers: usize) -> Result<RoomSide> {
    let server = servers::floor(FLOOR, &Task::Send, plan.setup.core())?;
    let frame = frame::sample();
    let publish = move |room: usize, number: u64| {
        let PublishTemplate::Bytes { bytes, tag_at, .. } =
            PublishTemplate::bytes("/", frame.clone())?
        else {
            unreachable!("PublishTemplate::bytes makes no other variant")
        };
        let mut body = bytes;
        let tag = frame::tag(number);
        body[tag_at..tag_at + tag.len()].copy_from_slice(tag.as_bytes());
        Ok(http::post(&path(room), "application/octet-stream", &body))
    };
    RoomSide::open(
        FLOOR,
        server,
        readers,
        Box::new(publish),
        plan.setup.may_spin(),
    )
}

fn ours(binary: &Path, core: Option<usize>, readers: usize, spin: bool) -> Result<RoomSide> {
    let server = OwnServer::default().start(OURS, binary, core)?;
    let publish = |room: usize, number: u64| {
        let text = frame::text(number);
        let body = format!(r#"{{"room":"room{room}","author":"mina","text":"{text}"}}"#);
        Ok(http::post("/messages", "application/json", body.as_bytes()))
    };
    RoomSide::open(OURS, server, readers, Box::new(publish), spin)
}

/// Makes the request that publishes message number N to a room.
type PublishToRoom = Box<dyn Fn(usize, u64) -> Result<Vec<u8>>>;

struct RoomSide {
    name: &'static str,
    server: RunningServer,
    publisher: Connection,
    publish: PublishToRoom,
    readers: Subscribers,
    published: u64,
    memory: MemoryKib,
}

/// KiB before the readers connected, and with them.
struct MemoryKib {
    before: u64,
    held: u64,
}

impl RoomSide {
    fn open(
        name: &'static str,
        server: RunningServer,
        readers: usize,
        publish: PublishToRoom,
        spin: bool,
    ) -> Result<Self> {
        let pids = server.process.pids();
        let before = settled_pss_kib(&pids)?;
        let readers = Subscribers::open_each(server.address, path, readers, spin)
            .with_context(|| format!("subscribe to {name}"))?;
        Ok(Self {
            name,
            publisher: Connection::open(server.address)?,
            publish,
            readers,
            published: 0,
            memory: MemoryKib {
                before,
                held: settled_pss_kib(&pids)?,
            },
            server,
        })
    }

    /// Publishes a message to the next room and waits until its reader has received it.
    fn deliver(&mut self) -> Result<Work> {
        let number = self.published;
        self.published += 1;
        let room = usize::try_from(number)? % self.readers.len();
        self.publisher.send(&(self.publish)(room, number)?)?;
        let tag = frame::tag(number);
        let work = self
            .readers
            .receive_within(room..room + 1, tag.as_bytes())?;
        let answer = self.publisher.answer()?;
        ensure!(answer.status == 201, "publish: status {}", answer.status);
        Ok(work)
    }
}

impl rounds::Contender for RoomSide {
    fn name(&self) -> &'static str {
        self.name
    }

    fn pids(&self) -> Vec<i32> {
        self.server.process.pids()
    }

    fn warm_up(&mut self) -> Result<()> {
        self.readers.drain()?;
        self.deliver().map(drop)
    }

    fn work(&mut self, amount: u64) -> Result<Work> {
        rounds::repeat(amount, || self.deliver())
    }

    fn units_expected(&self, amount: u64) -> u64 {
        amount
    }
}
