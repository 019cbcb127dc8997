//! Fan-out: CPU per delivery of one message to many SSE subscribers, compared with the bare loop. It is a closed loop:
//! the next message is published once every subscriber has received the last. The figure includes the publish itself,
//! on every side.

use std::path::Path;

use anyhow::{Result, ensure};
use serde::Serialize;

use super::Plan;
use super::baseline_server::Task;
use super::fan_out::{self, FanOutSide};
use super::frame::{self, PublishTemplate};
use super::rounds::{self, Round, RoundSizes, SideSummary};
use super::servers::{self, OwnServer, RunningServer};

pub const FLOOR: &str = "floor";
/// The second baseline server of a self-check.
pub const FLOOR_AGAIN: &str = "floor again";
/// The same loop with send(2), which costs a little less.
pub const SEND_FLOOR: &str = "floor, send(2)";
pub const OURS: &str = "poll-vs-sse";
/// This project's server without its accelerator.
pub const ORDINARY: &str = "poll-vs-sse, the ordinary way";
/// Another build of this project's server.
pub const OTHER: &str = "poll-vs-sse, the other build";
const NCHAN: &str = "nchan";

/// Messages in a slice, after which the next side has its turn.
const SLICE: u64 = 10;

/// The results.
#[derive(Debug, Serialize)]
pub struct FanOut {
    pub subscribers: usize,
    pub messages_per_round: u64,
    pub frame_bytes: usize,
    pub rounds: Vec<Round>,
    pub summaries: Vec<SideSummary>,
}

/// Measures the baseline server against `binary`, or against a second baseline server if `binary` is `None`.
pub fn run(plan: &Plan, binary: Option<&Path>) -> Result<FanOut> {
    let core = plan.server_core;
    let ours = binary.map(|binary| OwnServer::default().start(OURS, binary, core));
    let ours = ours.transpose()?;
    let frame = match &ours {
        Some(ours) => {
            // Twice the counted messages, to include the warm-ups.
            frame::raise_ids(ours, plan.rounds as u64 * plan.messages * 2)?;
            frame::learn_frame(ours)?
        }
        None => frame::sample(),
    };
    let frame_bytes = frame.len();
    let open = |name, subject: RunningServer, publish| {
        FanOutSide::open(name, subject, publish, plan.subscribers, plan.spin)
    };
    let open_floor = |name, task| {
        let floor = servers::floor(name, &task, core)?;
        open(name, floor, fan_out::frame_template(&frame)?)
    };
    let open_own = |name, binary: &Path, server: OwnServer| {
        let subject = server.start(name, binary, core)?;
        frame::raise_ids(&subject, plan.rounds as u64 * plan.messages * 2)?;
        open(name, subject, PublishTemplate::Message)
    };
    let mut sides = vec![open_floor(FLOOR, Task::Write)?];
    match (ours, binary) {
        (Some(ours), Some(binary)) => {
            sides.push(open_floor(SEND_FLOOR, Task::Send)?);
            sides.push(open(OURS, ours, PublishTemplate::Message)?);
            let ordinary = OwnServer {
                fast_path: false,
                ..OwnServer::default()
            };
            sides.push(open_own(ORDINARY, binary, ordinary)?);
        }
        _ => sides.push(open_floor(FLOOR_AGAIN, Task::Write)?),
    }
    if let Some(binary) = &plan.other_binary {
        sides.push(open_own(OTHER, binary, OwnServer::default())?);
    }
    if let Some(nchan) = fan_out::nchan(NCHAN, plan.nchan_module.as_deref(), core)? {
        sides.push(open(NCHAN, nchan, fan_out::data_template(&frame)?)?);
    }

    let amounts = RoundSizes {
        rounds: plan.rounds,
        per_round: plan.messages,
        per_slice: SLICE,
    };
    let rounds = rounds::run_alternating(&mut sides, amounts)?;
    for round in rounds
        .iter()
        .filter(|round| ![NCHAN, OTHER, ORDINARY].contains(&round.side.as_str()))
    {
        let each = round.wire_bytes as f64 / round.units as f64;
        ensure!(
            (each - frame_bytes as f64).abs() < 0.5,
            "{}: {each} bytes per delivery, but the frame has {frame_bytes}",
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
