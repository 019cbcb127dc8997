//! `docs/stacks.md`, all of it: the tables from the newest whole run of each stack, and what people wrote of it in
//! `benches/stacks/stacks.toml`.

use std::path::Path;

use anyhow::{Context, Result};

use super::super::number::{count, three_digits};
use super::super::runs::{self, LatestRun};
use super::catalog::{self, Stack};
use super::table::{self, StackRow, figure};
use super::{StackRun, file};
use super::{advice, models};

pub const PATH: &str = "docs/stacks.md";

const TITLE: &str = "# What polling and SSE cost on your stack";

const HOW: &str = "\
Each stack is [a small server](../benches/stacks/README.md) written as its documentation would have it, with the same contract, on one \
core; the load has the other. All figures are of one machine: compare rows, not absolute times. A figure is the median of three rounds \
with the lowest and the highest behind it. Polls and deliveries are measured in a closed loop: 16 connections that ask again once they \
are answered, and messages of 100 bytes that are published once all streams have the last, each after a second to warm up. CPU is of all the \
server's processes, publishing included. The models behind [when to poll](#when-to-poll) are fitted to steady loads as well (10 and 120 polls a second; \
2 and 25 messages a second to many streams and to few), at which a server sleeps in between and each wake-up costs more.";

/// The document; `None` if there is no whole run.
pub fn document(root: &Path) -> Result<Option<String>> {
    let mut found = Vec::new();
    for stack in catalog::read(root)? {
        if let Some(run) = runs::latest::<StackRun>(root, &file(&stack.name))? {
            found.push((stack, run));
        }
    }
    if found.is_empty() {
        return Ok(None);
    }
    let sound: Vec<StackRow<'_>> = found
        .iter()
        .filter(|(_, found)| found.run.failure.is_none())
        .map(|(stack, found)| StackRow {
            stack,
            run: &found.run,
        })
        .collect();
    let mut parts = vec![
        TITLE.to_owned(),
        answer(&sound),
        HOW.to_owned(),
        run_conditions(&found),
        format!("## Processor\n\n{}", table::cpu(&sound)),
        CPU_NOTES.to_owned(),
        format!("## Open streams\n\n{}", table::open_streams(&sound)),
        HOLDING_NOTES.to_owned(),
        format!(
            "## When something goes wrong\n\n{}",
            table::failures(&sound)
        ),
        TROUBLE_NOTES.to_owned(),
        format!("## Delay\n\n{}", table::delays(&sound)),
        DELAY_NOTES.to_owned(),
        advice::section(&models::models(root)?)?,
        "## Stack by stack".to_owned(),
    ];
    parts.extend(
        found
            .iter()
            .map(|(stack, found)| section(stack, &found.run)),
    );
    Ok(Some(parts.join("\n\n") + "\n"))
}

const CPU_NOTES: &str = "\
A client that polls every T seconds where a message comes every M seconds costs one poll every T or one delivery every M. So polling takes \
less CPU once T is longer than M times the last column. What a core can do in a second is one second of CPU divided by the figure before it. A \
server that looks into SQLite every quarter of a second pays for its looks whether messages come or not: the fewer messages, the dearer each.";

const HOLDING_NOTES: &str = "\
Streams were opened up to 500 in steps (1, 2, 5, 10, 20, 50 …), and after each step a plain poll was sent on a new connection. A range is a limit between two \
steps; *over* a number below 500 means that the next streams did not open within 2 s, as happens on a busy machine. Memory is the growth of the \
proportional set size for each stream; what the kernel holds for a socket comes on top, for every stack alike.";

const TROUBLE_NOTES: &str = "\
*Stops*: from SIGTERM to the end of the process. *Left*: the client closed its connection while nothing was being sent; a server that does not \
watch its sockets learns of it only when it writes. *Stalls*: ten clients (fewer if there cannot be so many) read nothing while 1,000 messages of \
4,000 bytes are published; given is the memory each cost beyond what the log itself grew by. *Reconnects*: a client is cut off after every ten \
messages, and goes on with its Last-Event-ID.";

const DELAY_NOTES: &str = "\
Measured by `compare`'s instrument: five messages a second to so many clients, from when a message was due to when a client had it; runs in which \
anything was missed are not in it. With polling, half of the messages are later than half the interval, on any stack.";

/// The conclusions, which come before all figures.
fn answer(rows: &[StackRow<'_>]) -> String {
    let names = |is_it: &dyn Fn(&StackRow<'_>) -> bool| {
        let names = rows
            .iter()
            .filter(|row| row.stack.is_application() && is_it(row));
        let names: Vec<_> = names
            .map(|row| format!("[{}](#{})", row.stack.title, row.stack.name))
            .collect();
        names.join(", ")
    };
    // A load that delays everything can look like a limit: only what has workers to run out of is said to starve.
    let starves = |row: &StackRow<'_>| {
        let limited = row
            .run
            .most_streams()
            .is_some_and(|(_, open_ended)| !open_ended);
        limited && row.stack.default.is_some()
    };
    let mut points = Vec::new();
    let bears_all = |row: &StackRow<'_>| {
        row.run
            .most_streams()
            .is_some_and(|(_, open_ended)| open_ended)
    };
    let many = names(&bears_all);
    if !many.is_empty() {
        let tried = rows
            .iter()
            .flat_map(|row| &row.run.holding)
            .map(|it| it.tried)
            .max();
        let tried = count(tried.unwrap_or(0) as u64);
        points.push(format!(
            "**SSE works in numbers** on {many}: {tried} open streams, and everything else was still answered."
        ));
    }
    let few: Vec<_> = rows
        .iter()
        .filter(|row| row.stack.is_application() && starves(row))
        .map(|row| {
            let default = row.stack.default.as_deref();
            let default =
                default.map_or(String::new(), |default| format!(", by default {default}"));
            format!(
                "[{}](#{}): {} ({}{default})",
                row.stack.title,
                row.stack.name,
                table::stream_limit(row.run),
                row.stack.workers
            )
        })
        .collect();
    if !few.is_empty() {
        points.push(format!("**Poll, or let another server hold the streams**, if each takes a worker. The most at a time: {}.", few.join("; ")));
    }
    let dear = rows
        .iter()
        .filter(|row| row.stack.is_application())
        .filter_map(|row| {
            let ratio = row.run.poll_cpu_us()?.median / row.run.delivery_cpu_us()?.median;
            Some((ratio, row))
        });
    let mut dear: Vec<_> = dear.collect();
    dear.sort_by(|a, b| b.0.total_cmp(&a.0));
    if let (Some((most, dearest)), Some((least, cheapest))) = (dear.first(), dear.last()) {
        points.push(format!(
            "**An empty poll costs as much CPU as {} ({}) to {} ({}) deliveries of a stream.** A poll passes the whole framework, a delivery \
             hardly any of it.",
            three_digits(*least),
            cheapest.stack.title,
            three_digits(*most),
            dearest.stack.title
        ));
    }
    let stuck = names(&|row| !row.run.stops());
    if !stuck.is_empty() {
        points.push(format!("**A restart hangs** on open streams, as documented: {stuck}. What to do is below, stack by stack."));
    }
    format!("- {}", points.join("\n- "))
}

/// The machine, the date, and whether other programs disturbed the run.
fn run_conditions(found: &[(Stack, LatestRun<StackRun>)]) -> String {
    let (_, first) = &found[0];
    let about = &first.run.about;
    let machine = &about.machine;
    let unknown = || "unknown".to_owned();
    let busy = found.iter().filter(|(_, it)| it.run.is_busy());
    let busy: Vec<_> = busy.map(|(stack, _)| stack.title.as_str()).collect();
    let others = found.iter().filter_map(|(_, it)| it.run.other_work);
    let most = others.reduce(f64::max).map(|share| share * 100.0);
    let quiet = match (busy.is_empty(), most) {
        (true, most) => format!(
            "Before each stack was started, other programs took at most {} % of the processors.",
            three_digits(most.unwrap_or(0.0))
        ),
        (false, _) => format!(
            "**Other work ran on the machine** as these were measured: {}. Differences of a third between their rows and others mean \
             nothing.",
            busy.join(", ")
        ),
    };
    format!(
        "From [`benches/runs/{directory}`](../benches/runs/{directory}), `{}`, {} cores ({}), Linux {}. {quiet}",
        about.command,
        about.server_cores.len() + about.load_cores.len(),
        machine.cpu.clone().unwrap_or_else(unknown),
        machine.kernel.clone().unwrap_or_else(unknown),
        directory = first.directory,
    )
}

fn section(stack: &Stack, run: &StackRun) -> String {
    let mut text = format!("<a id=\"{}\"></a>\n\n### {}\n\n", stack.name, stack.title);
    if let Some(failure) = &run.failure {
        return text
            + &format!(
                "Not measured: it failed.\n\n```text\n{}\n```",
                failure.trim()
            );
    }
    let default = stack.default.as_deref();
    let default = default.map_or(String::new(), |default| format!("; by default {default}"));
    let version = run
        .version
        .as_deref()
        .map_or(String::new(), |version| format!(", {version}"));
    text += &format!("Set up as {}{default}{version}.", stack.workers);
    if !stack.code.is_empty() {
        let folder = stack.folder();
        let links = stack
            .code
            .iter()
            .map(|file| format!("[`{folder}/{file}`](../benches/stacks/{folder}/{file})"));
        text += &format!(" Its code: {}.", links.collect::<Vec<_>>().join(", "));
    }
    text += &format!(
        "\n\n- **SSE costs** {} µs of CPU a delivery and {} KiB a stream; a poll that finds nothing {} µs and {} bytes.",
        figure(run.delivery_cpu_us()),
        figure(run.idle_kib()),
        figure(run.poll_cpu_us()),
        run.poll_bytes()
            .map_or("–".to_owned(), |it| count(it.median.round() as u64)),
    );
    text += &format!(
        "\n- **Streams until others wait**: {}. Stops with them open: {}. Notices a client that left: {} s.",
        table::stream_limit(run),
        table::stop_time(run),
        table::departure_time(run)
    );
    text += &format!("\n- **What breaks first**: {}", stack.breaks);
    if !stack.instead.is_empty() {
        text += &format!("\n- **What to do instead**: {}", stack.instead);
    }
    if run.polls.iter().any(|it| it.reopened * 2 > it.requests) {
        text += "\n- It closes the connection after each answer: every poll pays for a new one.";
    }
    for check in run.contract.iter().filter(|check| check.failure.is_some()) {
        let failure = check.failure.as_deref().unwrap_or_default();
        text += &format!("\n- **Does not hold**: {} ({failure}).", check.name);
    }
    text
}

/// Writes the document. Says whether it changed.
pub fn regenerate(root: &Path) -> Result<bool> {
    let Some(text) = document(root)? else {
        return Ok(false);
    };
    let before = std::fs::read_to_string(root.join(PATH)).unwrap_or_default();
    if text == before {
        return Ok(false);
    }
    let path = root.join(PATH);
    let directory = path.parent().context("a file is in a directory")?;
    runs::write(directory, "stacks.md", &text)?;
    Ok(true)
}

/// A run in a line, for a terminal.
pub fn summary_line(run: &StackRun) -> String {
    if let Some(failure) = &run.failure {
        return format!("  failed: {failure}");
    }
    let contract = run.contract.iter().filter(|check| check.failure.is_some());
    let broken: Vec<_> = contract.map(|check| check.name.as_str()).collect();
    let broken = match broken.is_empty() {
        true => String::new(),
        false => format!("; does not hold: {}", broken.join("; ")),
    };
    format!(
        "  poll {} µs; delivery {} µs; {} KiB a stream, {} streams; stops {}; left {} s; stalled {} KiB{broken}",
        figure(run.poll_cpu_us()),
        figure(run.delivery_cpu_us()),
        figure(run.idle_kib()),
        table::stream_limit(run),
        table::stop_time(run),
        table::departure_time(run),
        figure(run.stalled_kib()),
    )
}
