//! Fan-out: CPU per delivery of one message to many SSE subscribers, against the bare loop. Closed
//! loop: the next message is published once every subscriber has the last. The publish itself is
//! part of the figure, on every side.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use super::Plan;
use super::frame::{self, Publish, STREAM};
use super::http::Connection;
use super::rounds::{self, Round, Sizes, Summary, Work};
use super::servers::{self, OwnServer, RunningServer};
use super::subscribers::{Received, Subscribers};

pub const FLOOR: &str = "floor";
/// The second floor of a self-check.
pub const FLOOR_AGAIN: &str = "floor again";
pub const OURS: &str = "poll-vs-sse";
/// Another build of it.
pub const OTHER: &str = "poll-vs-sse, the other build";
const NCHAN: &str = "nchan";

/// Messages until the other side has its turn.
const SLICE: u64 = 10;

/// All that was measured.
#[derive(Debug, Serialize)]
pub struct FanOut {
    pub subscribers: usize,
    pub messages_per_round: u64,
    pub frame_bytes: usize,
    pub rounds: Vec<Round>,
    pub summaries: Vec<Summary>,
}

/// One server with its subscribers.
struct Side {
    name: &'static str,
    subject: RunningServer,
    publisher: Connection,
    publish: Publish,
    subscribers: Subscribers,
    published: u64,
}

impl Side {
    fn open(
        name: &'static str,
        subject: RunningServer,
        publish: Publish,
        plan: &Plan,
    ) -> Result<Self> {
        let publisher = Connection::open(subject.address)?;
        let subscribers = Subscribers::open(subject.address, STREAM, plan.subscribers, plan.spin)
            .with_context(|| format!("subscribe to {name}"))?;
        Ok(Self {
            name,
            subject,
            publisher,
            publish,
            subscribers,
            published: 0,
        })
    }

    /// Publishes one message and waits until all have it.
    fn deliver(&mut self) -> Result<Received> {
        let number = self.published;
        self.published += 1;
        self.publisher.send(&self.publish.request(number))?;
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

impl rounds::Side for Side {
    fn name(&self) -> &'static str {
        self.name
    }

    fn pids(&self) -> Vec<i32> {
        self.subject.process.pids()
    }

    fn warm_up(&mut self) -> Result<()> {
        self.subscribers.settle()?;
        self.deliver().map(drop)
    }

    fn work(&mut self, amount: u64) -> Result<Work> {
        let mut work = Work::default();
        for _ in 0..amount {
            let received = self.deliver()?;
            work.units += received.deliveries;
            work.wire_bytes += received.wire_bytes;
        }
        Ok(work)
    }

    fn units_expected(&self, amount: u64) -> u64 {
        amount * self.subscribers.len() as u64
    }
}

/// Measures the floor against `binary`, or against a second floor where there is none.
pub fn run(plan: &Plan, binary: Option<&Path>) -> Result<FanOut> {
    let core = plan.server_core;
    let ours = binary.map(|binary| OwnServer::default().start(OURS, binary, core));
    let ours = ours.transpose()?;
    let frame = match &ours {
        Some(ours) => {
            // Twice as many as are counted leaves room for the warm-ups.
            frame::raise_ids(ours, plan.rounds as u64 * plan.messages * 2)?;
            frame::learn(ours)?
        }
        None => frame::sample(),
    };
    let frame_bytes = frame.len();
    let as_frame = || Publish::bytes("/", frame.clone());
    let floor = servers::floor(FLOOR, core)?;
    let mut sides = vec![Side::open(FLOOR, floor, as_frame()?, plan)?];
    sides.push(match ours {
        Some(ours) => Side::open(OURS, ours, Publish::Message, plan)?,
        None => {
            let again = servers::floor(FLOOR_AGAIN, core)?;
            Side::open(FLOOR_AGAIN, again, as_frame()?, plan)?
        }
    });
    if let Some(binary) = &plan.other_binary {
        let other = OwnServer::default().start(OTHER, binary, core)?;
        frame::raise_ids(&other, plan.rounds as u64 * plan.messages * 2)?;
        sides.push(Side::open(OTHER, other, Publish::Message, plan)?);
    }
    if let Some(nchan) = nchan(plan)? {
        let data = frame::data_in(&frame)?;
        sides.push(Side::open(
            NCHAN,
            nchan,
            Publish::bytes("/publish", data)?,
            plan,
        )?);
    }

    let amounts = Sizes {
        rounds: plan.rounds,
        a_round: plan.messages,
        a_slice: SLICE,
    };
    let rounds = rounds::run_alternating(&mut sides, amounts)?;
    for round in rounds
        .iter()
        .filter(|round| ![NCHAN, OTHER].contains(&round.side.as_str()))
    {
        let each = round.wire_bytes as f64 / round.units as f64;
        ensure!(
            (each - frame_bytes as f64).abs() < 0.5,
            "{}: {each} bytes per delivery where the frame has {frame_bytes}",
            round.side
        );
    }
    Ok(FanOut {
        subscribers: plan.subscribers,
        messages_per_round: plan.messages,
        frame_bytes,
        summaries: rounds::summaries(&rounds, FLOOR),
        rounds,
    })
}

/// nchan, where its module is installed.
fn nchan(plan: &Plan) -> Result<Option<RunningServer>> {
    let Some(module) = servers::nchan_module(plan.nchan_module.as_deref()) else {
        return Ok(None);
    };
    let nchan = servers::nginx(
        NCHAN,
        &servers::Nginx {
            modules: &format!("load_module {};", module.display()),
            locations: "location = /publish { nchan_publisher; nchan_channel_id bench; }
                location = /stream {
                    nchan_subscriber eventsource;
                    nchan_channel_id bench;
                    nchan_subscriber_first_message newest;
                }",
            ..servers::Nginx::default()
        },
        plan.server_core,
    )?;
    Ok(Some(nchan))
}
