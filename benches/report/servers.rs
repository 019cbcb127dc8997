//! Whole servers compared with a baseline: the documentation's tables of `servers.json`.

use serde::Deserialize;

use super::number::{count, three_digits};
use super::provenance::Provenance;
use super::runs::LatestRun;
use super::spread::Spread;

/// The bench's file in a run's directory.
pub const FILE: &str = "servers.json";
const FLOOR: &str = "floor";
const OURS: &str = "poll-vs-sse";
const NCHAN: &str = "nchan";

/// The part of the file that is used here. The file also has every round.
#[derive(Debug, Deserialize)]
pub struct ServersRun {
    about: Provenance,
    fan_out: Option<FanOutRatios>,
    empty_poll: Option<EmptyPollRatios>,
    idle_memory: Vec<IdleMemoryFigures>,
    verdicts: Vec<VerdictLine>,
}

#[derive(Debug, Deserialize)]
struct FanOutRatios {
    subscribers: u64,
    summaries: Vec<SideRatio>,
}

#[derive(Debug, Deserialize)]
struct EmptyPollRatios {
    connections: u64,
    summaries: Vec<SideRatio>,
}

#[derive(Debug, Deserialize)]
struct SideRatio {
    side: String,
    ratio: Spread,
}

#[derive(Debug, Deserialize)]
struct IdleMemoryFigures {
    workers: usize,
    #[serde(default = "default_fast_path")]
    fast_path: bool,
    subscribers: u64,
    pss_before_kib: u64,
    pss_idle_kib: u64,
    pss_after_message_kib: u64,
}

#[derive(Debug, Deserialize)]
struct VerdictLine {
    line: String,
}

/// The section of the documentation.
pub fn section(found: &LatestRun<ServersRun>) -> String {
    let LatestRun { run, directory } = found;
    format!(
        "From [`{directory}/{FILE}`](../benches/runs/{directory}/{FILE}): `{}`, {}\n\n{}",
        run.about.command,
        run.about.sentence(),
        report(run)
    )
}

impl ServersRun {
    /// The points for the documentation's summary.
    pub fn summary_points(&self) -> Vec<String> {
        let of = |summaries: &[SideRatio], side: &str| {
            let summary = summaries.iter().find(|summary| summary.side == side);
            summary.map(|summary| format!("{:.2}", summary.ratio.median))
        };
        let mut points = Vec::new();
        if let Some(part) = &self.fan_out
            && let Some(ours) = of(&part.summaries, OURS)
        {
            let nchan = of(&part.summaries, NCHAN);
            let nchan = nchan.map(|ratio| format!("; nchan takes {ratio} times that CPU"));
            points.push(format!(
                "**Close to the minimum.** Pushing a message to a client takes {ours} times the CPU of a bare \
                 `write` loop{}.",
                nchan.unwrap_or_default()
            ));
        }
        if let Some(part) = &self.empty_poll
            && let Some(ours) = of(&part.summaries, OURS)
            && let Some(point) = points.last_mut()
        {
            *point += &format!(
                " An empty poll takes {ours} times the CPU that nginx takes to answer with a fixed text."
            );
        }
        if let Some(part) = self.idle_memory.first() {
            points.push(format!(
                "**Memory**: an idle stream takes {} KiB of the server's process.",
                three_digits(part.each_kib(part.pss_idle_kib))
            ));
        }
        points
    }
}

/// Files that lack the field are from before the accelerator could be turned off.
fn default_fast_path() -> bool {
    true
}

impl IdleMemoryFigures {
    /// The growth of the process up to `kib`, for each subscriber.
    fn each_kib(&self, kib: u64) -> f64 {
        (kib as f64 - self.pss_before_kib as f64) / self.subscribers as f64
    }
}

fn report(run: &ServersRun) -> String {
    let mut text = String::from("| what | against | CPU ratio, median (range) |\n|---|---|---|");
    if let Some(part) = &run.fan_out {
        let what = format!(
            "a delivery to {} subscribers, each message after all have the previous one",
            count(part.subscribers)
        );
        text += &rows(
            &part.summaries,
            FLOOR,
            &what,
            "a bare epoll loop with one `write` per subscriber",
        );
    }
    if let Some(part) = &run.empty_poll {
        let what = format!("an empty poll, {} kept-alive connections", part.connections);
        text += &rows(
            &part.summaries,
            "nginx return 200",
            &what,
            "nginx `return 200` of the same body",
        );
    }
    text +=
        "\n\n| memory of an idle subscriber | before a message | after a message |\n|---|---|---|";
    for part in &run.idle_memory {
        text += &format!(
            "\n| {} subscribers, {} worker(s){} | {} KiB | {} KiB |",
            count(part.subscribers),
            part.workers,
            if part.fast_path {
                ""
            } else {
                ", the ordinary way"
            },
            three_digits(part.each_kib(part.pss_idle_kib)),
            three_digits(part.each_kib(part.pss_after_message_kib))
        );
    }
    text += "\n\nAgainst the targets:\n";
    for verdict in &run.verdicts {
        let words: Vec<_> = verdict.line.split_whitespace().collect();
        text += &format!("\n- {}", words.join(" "));
    }
    text
}

/// A row for each side except the base of the comparison.
fn rows(summaries: &[SideRatio], base: &str, what: &str, against: &str) -> String {
    let others = summaries.iter().filter(|summary| summary.side != base);
    let rows = others.map(|summary| {
        let Spread {
            median, min, max, ..
        } = summary.ratio;
        format!(
            "\n| {what}: {} | {against} | {median:.3} ({min:.3}–{max:.3}) |",
            summary.side
        )
    });
    rows.collect()
}
