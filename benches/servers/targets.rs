//! Prints the figures: one table per part, one line per target. The raw rounds are written as JSON.

use anyhow::Result;
use serde::Serialize;

use super::empty_poll::{self, EmptyPoll};
use super::fanout::{self, FanOut};
use super::idle_memory::IdleMemory;
use super::report::number::target_verdict;
use super::report::provenance::Provenance;
use super::rounds::SideSummary;

/// CPU per delivery relative to the baseline server.
const FAN_OUT_TARGET: f64 = 1.20;
const FAN_OUT_AIM: f64 = 1.10;
const ORDINARY_FAN_OUT_TARGET: f64 = 1.40;
/// CPU per empty poll relative to nginx.
const EMPTY_POLL_TARGET: f64 = 1.05;
const ORDINARY_EMPTY_POLL_TARGET: f64 = 1.20;
/// KiB of process memory per idle subscriber.
const IDLE_MEMORY_TARGET_KIB: f64 = 0.6;
const ORDINARY_IDLE_MEMORY_TARGET_KIB: f64 = 12.0;

/// A whole run, in its JSON format.
#[derive(Debug, Serialize)]
pub struct Report {
    pub about: Provenance,
    pub pinned: Option<PinnedCores>,
    /// Whether the load spins on its core instead of sleeping between messages.
    pub load_spins: bool,
    pub fan_out: Option<FanOut>,
    pub empty_poll: Option<EmptyPoll>,
    pub idle_memory: Vec<IdleMemory>,
    pub verdicts: Vec<Verdict>,
}

/// The core that servers and the core that the load ran on.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct PinnedCores {
    pub servers: usize,
    pub load: usize,
}

/// One figure against its target.
#[derive(Debug, Serialize)]
pub struct Verdict {
    pub what: &'static str,
    pub figure: f64,
    pub target: f64,
    pub met: bool,
    pub line: String,
}

impl Report {
    pub fn print_machine(&self) {
        println!("{}", self.about.machine_lines());
        match self.pinned {
            Some(pinned) => println!(
                "pinned     servers to core {}, the load to core {}",
                pinned.servers, pinned.load
            ),
            None => println!("pinned     nothing: one core is shared, so expect more noise"),
        }
    }

    /// Adds the fan-out, printing it and its verdict.
    pub fn fan_out(&mut self, part: FanOut) {
        println!(
            "\nfan-out: {} subscribers, {} messages a round, frames of {} bytes, closed loop",
            part.subscribers, part.messages_per_round, part.frame_bytes
        );
        print_summaries(&part.summaries, "delivery", "floor");
        if let Some(ours) = side(&part.summaries, fanout::OURS) {
            let figure = ours.ratio.median;
            let aim = target_verdict(figure <= FAN_OUT_AIM);
            self.verdict(
                "fan-out",
                figure,
                FAN_OUT_TARGET,
                &format!("{figure:.3} of the baseline's CPU per delivery"),
                &format!("; aim {FAN_OUT_AIM:.2}: {aim}"),
            );
        }
        if let Some(ordinary) = side(&part.summaries, fanout::ORDINARY) {
            let figure = ordinary.ratio.median;
            self.verdict(
                "fan-out, ordinary way",
                figure,
                ORDINARY_FAN_OUT_TARGET,
                &format!("{figure:.3} of the baseline's CPU per delivery"),
                "",
            );
        }
        self.fan_out = Some(part);
    }

    /// Adds the empty polls, printing them and their verdict.
    pub fn empty_poll(&mut self, part: EmptyPoll) {
        println!(
            "\nempty-poll: {} kept-alive connections, {} requests a round, closed loop",
            part.connections, part.requests_per_round
        );
        print_summaries(&part.summaries, "request", "nginx");
        for answer in &part.answers {
            println!(
                "  {:<36} answers with {} bytes of head, {} of body",
                answer.side, answer.head_bytes, answer.body_bytes
            );
        }
        if let Some(ours) = side(&part.summaries, empty_poll::OURS) {
            if let Some(logging) = side(&part.summaries, empty_poll::OURS_LOGGING) {
                println!(
                    "  the request log adds {:.0} % to an empty poll's CPU",
                    (logging.cpu_ns_per_unit.median / ours.cpu_ns_per_unit.median - 1.0) * 100.0
                );
            }
            let figure = ours.ratio.median;
            self.verdict(
                "empty-poll",
                figure,
                EMPTY_POLL_TARGET,
                &format!("{figure:.3} of nginx's CPU per request"),
                "",
            );
        }
        if let Some(ordinary) = side(&part.summaries, fanout::ORDINARY) {
            let figure = ordinary.ratio.median;
            self.verdict(
                "empty-poll, ordinary way",
                figure,
                ORDINARY_EMPTY_POLL_TARGET,
                &format!("{figure:.3} of nginx's CPU per request"),
                "",
            );
        }
        self.empty_poll = Some(part);
    }

    /// Adds one memory measurement, printing it and, with one worker, its verdict.
    pub fn idle_memory(&mut self, part: IdleMemory) {
        println!(
            "\nidle-memory: {} subscribers, {} worker(s), {}",
            part.subscribers,
            part.workers,
            if part.fast_path {
                "the accelerator"
            } else {
                "the ordinary way"
            }
        );
        println!(
            "  PSS {} KiB before, {} idle, {} after one message",
            part.pss_before_kib, part.pss_idle_kib, part.pss_after_message_kib
        );
        println!(
            "  {:.2} KiB per subscriber idle, {:.2} once it has had a message",
            part.idle_kib(),
            part.after_message_kib()
        );
        if part.workers == 1 {
            // The larger of the two, because a real subscriber has received messages.
            let figure = part.idle_kib().max(part.after_message_kib());
            let (what, target) = match part.fast_path {
                true => ("idle-memory", IDLE_MEMORY_TARGET_KIB),
                false => ("idle-memory, ordinary way", ORDINARY_IDLE_MEMORY_TARGET_KIB),
            };
            self.verdict(
                what,
                figure,
                target,
                &format!("{figure:.2} KiB per idle subscriber"),
                "",
            );
        }
        self.idle_memory.push(part);
    }

    fn verdict(&mut self, what: &'static str, figure: f64, target: f64, says: &str, and: &str) {
        let met = figure <= target;
        let outcome = target_verdict(met);
        let line = format!("{what:<12} {says}; target at most {target:.2}: {outcome}{and}");
        self.verdicts.push(Verdict {
            what,
            figure,
            target,
            met,
            line,
        });
    }

    pub fn print_verdicts(&self) {
        println!();
        for verdict in &self.verdicts {
            println!("{}", verdict.line);
        }
    }

    /// The whole report: the rounds, and the verdicts.
    pub fn json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
}

fn side<'a>(summaries: &'a [SideSummary], name: &str) -> Option<&'a SideSummary> {
    summaries.iter().find(|summary| summary.side == name)
}

fn print_summaries(summaries: &[SideSummary], unit: &str, base: &str) {
    println!(
        "  {:<36} {:>11} {:>22} {:>12} {:>11}",
        "",
        format!("µs/{unit}"),
        format!("ratio to {base} (range)"),
        format!("{unit}/s"),
        "bytes each"
    );
    for summary in summaries {
        println!(
            "  {:<36} {:>11.3} {:>22} {:>12.0} {:>11.1}",
            summary.side,
            summary.cpu_ns_per_unit.median / 1000.0,
            format!(
                "{:.3} ({:.3}–{:.3})",
                summary.ratio.median, summary.ratio.min, summary.ratio.max
            ),
            summary.units_per_second,
            summary.wire_bytes_per_unit
        );
    }
}
