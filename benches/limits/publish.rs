//! Publishing that is answered once the message is on the disk, beside a loop that appends the same bytes.

use anyhow::Result;
use tempfile::TempDir;

use super::Plan;
use super::baseline_server::Task;
use super::publishers::Publishers;
use super::report::limits::publish::{Delays, FLOOR, OURS, Publish, Row};
use super::report::provenance::Provenance;
use super::rounds::{self, Sizes};
use super::servers::{self, OwnServer};

pub const PUBLISHERS: [usize; 4] = [1, 10, 100, 1000];
pub const SLICES_A_ROUND: usize = 4;

pub fn run(plan: &Plan<'_>, about: Provenance) -> Result<Publish> {
    let rows = PUBLISHERS.into_iter().map(|count| measure(plan, count));
    Ok(Publish {
        about,
        rows: rows.collect::<Result<_>>()?,
    })
}

fn measure(plan: &Plan<'_>, publishers: usize) -> Result<Row> {
    let directory = TempDir::new()?;
    let core = plan.stage.core();
    let log = directory.path().join("bare.log");
    let floor = servers::floor(FLOOR, &Task::Append(log), core)?;
    let store = format!("sqlite:{}", directory.path().join("chat.db").display());
    let server = OwnServer {
        store: &store,
        ..OwnServer::default()
    };
    let ours = server.start(OURS, &plan.stage.binary, core)?;
    let mut sides = [
        Publishers::open(FLOOR, floor, publishers, plan.stage.spins())?,
        Publishers::open(OURS, ours, publishers, plan.stage.spins())?,
    ];
    let amounts = sizes(plan, publishers);
    let rounds = rounds::run_alternating(&mut sides, amounts)?;
    let delays = sides
        .iter()
        .map(|side| Delays::of(side.name(), side.delays()));
    Ok(Row {
        publishers,
        messages_a_round: amounts.a_round,
        delays: delays.collect(),
        rounds,
    })
}

/// How much so many publishers publish.
pub fn sizes(plan: &Plan<'_>, publishers: usize) -> Sizes {
    let scale = if plan.quick { 1 } else { 4 };
    let messages = (publishers as u64 * 20).clamp(100, 10_000) * scale;
    Sizes {
        rounds: if plan.quick { 2 } else { 8 },
        a_round: messages,
        a_slice: messages / SLICES_A_ROUND as u64,
    }
}
