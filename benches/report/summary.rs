//! The results of the newest full runs in a few sentences, for readers who skip tables.

use std::path::Path;

use anyhow::Result;
use poll_vs_sse_instrument::Transport;

use super::compare::{self, Combination, Matrix, Run};
use super::number::{count, plain, three_digits};
use super::published::{self, DeliveryMethod, PaperRun};
use super::servers::{self, ServersRun};
use super::{runs, scaling};

/// The load of the summary's examples: a middle one.
const CLIENTS: usize = 1000;
const RATE: f64 = 1.0;

/// The section of the documentation, with a point for each existing run. `None` if there are no runs.
pub fn section(root: &Path) -> Result<Option<String>> {
    let mut points = Vec::new();
    if let Some(found) = runs::latest::<Matrix>(root, compare::FILE)? {
        points.extend(cost(&found.run));
        points.extend(break_even(&found.run));
    }
    if let Some(found) = runs::latest::<ServersRun>(root, servers::FILE)? {
        points.extend(found.run.summary_points());
    }
    if let Some(found) = runs::latest::<PaperRun>(root, published::FILE)? {
        points.extend(clients(&found.run));
    }
    points.extend(scaling::summary_points(root)?);
    Ok((!points.is_empty()).then(|| format!("- {}", points.join("\n- "))))
}

/// The cost of each transport at the example load.
fn cost(matrix: &Matrix) -> Option<String> {
    let of = |transport, interval| Combination::ours(transport, CLIENTS, RATE, interval);
    let stream = of(Transport::Stream, None);
    let share = matrix.spread(&stream, Run::cpu)?.median * 100.0;
    let polls = matrix.intervals();
    let polls = polls.into_iter().map(|s| of(Transport::Poll, Some(s)));
    let others = std::iter::once(of(Transport::LongPoll, None)).chain(polls);
    let others: Vec<_> = others
        .filter_map(|other| {
            let cpu = matrix.ratio(&other, &stream, Run::cpu)?.median;
            let bytes = matrix.ratio(&other, &stream, |run| Some(run.wire()));
            Some((other.way(), cpu, bytes?.median))
        })
        .collect();
    let is_least = others.iter().all(|(_, cpu, bytes)| cpu.min(*bytes) > 1.0);
    let headline = match is_least {
        true => "SSE costs least if messages come one by one",
        false => "What each costs",
    };
    let others = others.iter();
    let others = others.map(|(way, cpu, bytes)| format!("{way} {cpu:.2} and {bytes:.2}"));
    let others: Vec<_> = others.collect();
    Some(format!(
        "**{headline}.** With {} clients of a room and {} message a second, SSE takes {} % of a core. The others \
         take these multiples of SSE's CPU and, with Chromium's heads, of its bytes: {}.",
        count(CLIENTS as u64),
        plain(RATE),
        three_digits(share),
        others.join(", ")
    ))
}

/// The message rates above which polling is cheaper.
fn break_even(matrix: &Matrix) -> Option<String> {
    let at = |interval: f64| {
        let at = matrix.crossing(CLIENTS, interval, Run::cpu)?;
        Some(format!("{} (every {} s)", at.above()?, plain(interval)))
    };
    let rates: Vec<_> = matrix.intervals().into_iter().filter_map(at).collect();
    (!rates.is_empty()).then(|| {
        format!(
            "**Polling costs less if one poll brings enough messages.** With {} clients, polling takes less CPU above \
             this many messages a second: {}. Its price is delay: half an interval on average.",
            count(CLIENTS as u64),
            rates.join(", ")
        )
    })
}

/// The number of clients that one core serves in the paper's scenario.
fn clients(paper: &PaperRun) -> Option<String> {
    let one = |way: DeliveryMethod| {
        let best = paper.best_step(way)?;
        let clients = count(best.outcome.clients);
        let clients = match paper.is_exhausted(way) {
            true => clients,
            false => format!("at least {clients}"),
        };
        Some(format!(
            "{} {clients}, at {:.0} % of the core",
            way.name(),
            best.cpu() * 100.0
        ))
    };
    let ways = [
        DeliveryMethod::Whole,
        DeliveryMethod::WholeCached,
        DeliveryMethod::Stream,
    ];
    let ways: Vec<_> = ways.into_iter().filter_map(one).collect();
    (!ways.is_empty()).then(|| {
        format!(
            "**The paper's scenario** ({} bytes every {} s, at most {} s late), clients on one core: {}. *At least*: open \
             files ran out before the delay was too long.",
            count(paper.size_bytes as u64),
            paper.period_s,
            paper.acceptable_s,
            ways.join("; ")
        )
    })
}
