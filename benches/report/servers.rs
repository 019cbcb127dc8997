//! Whole servers against their floors: what the documentation says of `servers.json`.

use serde::Deserialize;

use super::number::{count, three};
use super::provenance::Provenance;
use super::runs::Found;
use super::spread::Spread;

/// Its file in a run's directory.
pub const FILE: &str = "servers.json";
const FLOOR: &str = "floor";
const OURS: &str = "poll-vs-sse";
const NCHAN: &str = "nchan";

/// What is read of it; each raw round is in there too.
#[derive(Debug, Deserialize)]
pub struct Servers {
    about: Provenance,
    fan_out: Option<FanOut>,
    empty_poll: Option<EmptyPoll>,
    idle_memory: Vec<IdleMemory>,
    verdicts: Vec<Verdict>,
}

#[derive(Debug, Deserialize)]
struct FanOut {
    subscribers: u64,
    summaries: Vec<Summary>,
}

#[derive(Debug, Deserialize)]
struct EmptyPoll {
    connections: u64,
    summaries: Vec<Summary>,
}

#[derive(Debug, Deserialize)]
struct Summary {
    side: String,
    ratio: Spread,
}

#[derive(Debug, Deserialize)]
struct IdleMemory {
    workers: usize,
    #[serde(default = "by_default")]
    fast_path: bool,
    subscribers: u64,
    pss_before_kib: u64,
    pss_idle_kib: u64,
    pss_after_message_kib: u64,
}

#[derive(Debug, Deserialize)]
struct Verdict {
    line: String,
}

/// The section of the documentation.
pub fn section(found: &Found<Servers>) -> String {
    let Found { run, directory } = found;
    format!(
        "From [`{directory}/{FILE}`](../benches/runs/{directory}/{FILE}): `{}`, {}\n\n{}",
        run.about.command,
        run.about.sentence(),
        report(run)
    )
}

impl Servers {
    /// What of it is said where there is no room for tables.
    pub fn in_short(&self) -> Vec<String> {
        let of = |summaries: &[Summary], side: &str| {
            let summary = summaries.iter().find(|summary| summary.side == side);
            summary.map(|summary| format!("{:.2}", summary.ratio.median))
        };
        let mut points = Vec::new();
        if let Some(part) = &self.fan_out
            && let Some(ours) = of(&part.summaries, OURS)
        {
            let nchan = of(&part.summaries, NCHAN);
            let nchan = nchan.map(|ratio| format!("; nchan's takes {ratio} times"));
            points.push(format!(
                "**Against the least there can be.** Pushing a message to a client takes {ours} times the CPU of a bare \
                 `write` loop{}.",
                nchan.unwrap_or_default()
            ));
        }
        if let Some(part) = &self.empty_poll
            && let Some(ours) = of(&part.summaries, OURS)
            && let Some(point) = points.last_mut()
        {
            *point += &format!(
                " An empty poll takes {ours} times the CPU of nginx answering with a fixed text."
            );
        }
        if let Some(part) = self.idle_memory.first() {
            points.push(format!(
                "**Memory**: an idle stream takes {} KiB of the server's process.",
                three(part.each_kib(part.pss_idle_kib))
            ));
        }
        points
    }
}

/// Files of before there was a choice are of the accelerator.
fn by_default() -> bool {
    true
}

impl IdleMemory {
    /// What the process grew by to `kib`, for each subscriber.
    fn each_kib(&self, kib: u64) -> f64 {
        (kib as f64 - self.pss_before_kib as f64) / self.subscribers as f64
    }
}

fn report(run: &Servers) -> String {
    let mut text = String::from("| what | against | CPU ratio, median (range) |\n|---|---|---|");
    if let Some(part) = &run.fan_out {
        let what = format!(
            "a delivery, {} subscribers, next message once all have the last",
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
        "\n\n| memory of an idle subscriber | idle | once it has had a message |\n|---|---|---|";
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
            three(part.each_kib(part.pss_idle_kib)),
            three(part.each_kib(part.pss_after_message_kib))
        );
    }
    text += "\n\nAgainst the targets:\n";
    for verdict in &run.verdicts {
        let words: Vec<_> = verdict.line.split_whitespace().collect();
        text += &format!("\n- {}", words.join(" "));
    }
    text
}

/// A row for each side but the one that the others are held against.
fn rows(summaries: &[Summary], base: &str, what: &str, against: &str) -> String {
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
