//! Whole servers against their floors: what the documentation says of `servers.json`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::about::{About, Machine};
use super::number::{count, three};
use super::runs;
use super::spread::Spread;

/// Its file in a run's directory.
pub const FILE: &str = "servers.json";
const FLOOR: &str = "floor";

/// What is read of it; each raw round is in there too.
#[derive(Debug, Deserialize)]
pub struct Servers {
    about: Option<About>,
    /// What the first runs have instead.
    command: Option<Vec<String>>,
    machine: Option<Machine>,
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
    subscribers: u64,
    pss_before_kib: u64,
    pss_idle_kib: u64,
    pss_after_message_kib: u64,
}

#[derive(Debug, Deserialize)]
struct Verdict {
    line: String,
}

/// The section of the documentation, from the newest file. `None` where there is none.
pub fn section(root: &Path) -> Result<Option<String>> {
    let mut directories = Vec::new();
    for entry in fs::read_dir(runs::directory(root))? {
        let path = entry?.path();
        // Quick runs are not kept, but may lie about.
        if path.join(FILE).is_file() && !path.to_string_lossy().ends_with("-quick") {
            directories.push(path);
        }
    }
    // Their names begin with the date.
    let Some(newest) = directories.into_iter().max() else {
        return Ok(None);
    };
    let path = newest.join(FILE);
    let run = serde_json::from_str(&fs::read_to_string(&path)?);
    let run: Servers = run.with_context(|| format!("{}", path.display()))?;
    let directory = newest.file_name().unwrap_or_default().to_string_lossy();
    Ok(Some(format!(
        "From [`{directory}/{FILE}`](../benches/runs/{directory}/{FILE}): {}\n\n{}",
        run.origin(),
        report(&run)
    )))
}

impl Servers {
    /// How it was run, and on what.
    fn origin(&self) -> String {
        match (&self.about, &self.command, &self.machine) {
            (Some(about), ..) => format!("`{}`, {}", about.command, about.sentence()),
            (None, Some(command), Some(machine)) => format!(
                "`{}`, {} cores ({}), commit {}.",
                command.join(" "),
                machine.cores,
                machine.cpu.as_deref().unwrap_or("unknown"),
                machine.git_commit.as_deref().unwrap_or("unknown")
            ),
            _ => "unknown.".to_owned(),
        }
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
        let each = |kib: u64| (kib as f64 - part.pss_before_kib as f64) / part.subscribers as f64;
        text += &format!(
            "\n| {} subscribers, {} worker(s) | {} KiB | {} KiB |",
            count(part.subscribers),
            part.workers,
            three(each(part.pss_idle_kib)),
            three(each(part.pss_after_message_kib))
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
        let Spread { median, min, max } = summary.ratio;
        format!(
            "\n| {what}: {} | {against} | {median:.3} ({min:.3}–{max:.3}) |",
            summary.side
        )
    });
    rows.collect()
}
