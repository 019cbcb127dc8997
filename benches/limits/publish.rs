//! Publishing to a store that answers once the message is on the disk, compared with a loop that appends the same
//! bytes.

use anyhow::Result;
use tempfile::TempDir;

use super::LimitsPlan;
use super::baseline_server::Task;
use super::publishers::HttpPublishers;
use super::report::limits::publish::{
    DelayQuantiles, DurablePublishRun, FLOOR, OURS, PublishMeasurement,
};
use super::report::provenance::Provenance;
use super::rounds::{self, RoundSizes};
use super::servers::{self, OwnServer};

pub const PUBLISHERS: [usize; 4] = [1, 10, 100, 1000];
pub const SLICES_PER_ROUND: usize = 4;

pub fn run(plan: &LimitsPlan<'_>, about: Provenance) -> Result<DurablePublishRun> {
    let rows = PUBLISHERS.into_iter().map(|count| measure(plan, count));
    Ok(DurablePublishRun {
        about,
        rows: rows.collect::<Result<_>>()?,
    })
}

fn measure(plan: &LimitsPlan<'_>, publishers: usize) -> Result<PublishMeasurement> {
    let directory = TempDir::new()?;
    let core = plan.setup.core();
    let log = directory.path().join("bare.log");
    let floor = servers::floor(FLOOR, &Task::Append(log), core)?;
    let store = format!("sqlite:{}", directory.path().join("chat.db").display());
    let server = OwnServer {
        store: &store,
        ..OwnServer::default()
    };
    let ours = server.start(OURS, &plan.setup.binary, core)?;
    let mut sides = [
        HttpPublishers::open(FLOOR, floor, publishers, plan.setup.may_spin())?,
        HttpPublishers::open(OURS, ours, publishers, plan.setup.may_spin())?,
    ];
    let amounts = publish_sizes(plan, publishers);
    let rounds = rounds::run_alternating(&mut sides, amounts)?;
    let delays = sides
        .iter()
        .map(|side| DelayQuantiles::from_histogram(side.name(), side.delays()));
    Ok(PublishMeasurement {
        publishers,
        messages_a_round: amounts.per_round,
        delays: delays.collect(),
        rounds,
    })
}

/// The sizes of the rounds for this number of publishers.
pub fn publish_sizes(plan: &LimitsPlan<'_>, publishers: usize) -> RoundSizes {
    let scale = if plan.quick { 1 } else { 4 };
    let messages = (publishers as u64 * 20).clamp(100, 10_000) * scale;
    RoundSizes {
        rounds: if plan.quick { 2 } else { 8 },
        per_round: messages,
        per_slice: messages / SLICES_PER_ROUND as u64,
    }
}
