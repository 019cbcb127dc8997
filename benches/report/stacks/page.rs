//! Generates `docs/stacks.md`: the tables from the newest full run of each stack, and the hand-written texts of
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
Each stack is [a small server](../benches/stacks/README.md), written as the stack's documentation recommends, with \
the same contract. It runs on one core, the load generator on the other. All figures are of one machine: compare \
rows, not absolute times. A figure is the median of three rounds, followed by the lowest and the highest. Polls and \
deliveries are measured in closed loops, after a second of warm-up: 16 connections poll again as soon as they are \
answered, and a message of 100 bytes is published as soon as all streams have the previous one. CPU is that of all \
processes of the server, publishing included. The models behind [when to poll](#when-to-poll) are also fitted to \
steady loads (10 and 120 polls a second; 2 and 25 messages a second, to many streams and to few), at which a server \
sleeps in between and each wake-up costs more.";

/// The document; `None` if there is no full run.
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
If a client polls every T seconds and a message comes every M seconds, the client costs one poll every T, or one \
delivery every M. So polling takes less CPU if T is longer than M times the last column. The rates of a core are one \
second of CPU divided by the figure before. A server that checks SQLite every quarter of a second pays for its \
checks even if no messages come: the fewer messages, the more each costs.";

const HOLDING_NOTES: &str = "\
The bench opened up to 500 streams in steps (1, 2, 5, 10, 20, 50 …), and sent a plain poll on a new connection after \
each step. A range means that the limit is between two steps. *Over* a number below 500 means that the next streams \
did not open within 2 s, as happens on a busy machine. Memory is the growth of the proportional set size for each \
stream; the kernel's memory for a socket is additional, and the same for every stack.";

const TROUBLE_NOTES: &str = "\
*Stops*: the time from SIGTERM to the end of the process. *Notices*: the client closes its connection while nothing \
is being sent; a server that does not watch its sockets notices this only when it writes. The bench looks at the \
server's sockets every 20 ms, so the shortest times are only known to be under 0.03 s. *Stalls*: ten clients (or \
fewer, if the server cannot hold ten) read nothing while 1,000 messages of 4,000 bytes are published; the figure is \
the memory for each of them, without the growth of the log itself. *Reconnects*: a client is cut off after every ten \
messages, and continues with its Last-Event-ID.";

const DELAY_NOTES: &str = "\
`compare`'s instrument measured these delays, from when a message was due to when a client had it, at the given load. \
Runs in which a message was missed are left out. With polling, half of the messages are later than half the interval, \
on any stack.";

/// The conclusions, which precede all figures.
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
    // A load that delays everything can look like a limit, so only stacks with a limited number of workers are said to
    // starve.
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
            "**SSE works with many clients** on {many}: with {tried} open streams, the server still answered all \
            other requests."
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
        points.push(format!(
            "**Poll, or let another server hold the streams**, if each stream takes a worker. The \
        most streams at a time: {}.",
            few.join("; ")
        ));
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
            "**An empty poll costs as much CPU as {} ({}) to {} ({}) deliveries of a stream.** A poll goes through \
             the whole framework, a delivery through hardly any of it.",
            three_digits(*least),
            cheapest.stack.title,
            three_digits(*most),
            dearest.stack.title
        ));
    }
    let stuck = names(&|row| !row.run.stops());
    if !stuck.is_empty() {
        points.push(format!(
            "**A restart hangs** until open streams end, if the server is set up as documented, on \
        {stuck}. [Stack by stack](#stack-by-stack) says what to do."
        ));
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
            "**Other work ran on the machine** while these were measured: {}. Differences of a third between their \
             rows and others mean nothing.",
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
        "\n\n- **SSE costs** {} µs of CPU a delivery and {} KiB a stream. **An empty poll costs** {} µs and {} \
        bytes.",
        figure(run.delivery_cpu_us()),
        figure(run.idle_kib()),
        figure(run.poll_cpu_us()),
        run.poll_bytes()
            .map_or("–".to_owned(), |it| count(it.median.round() as u64)),
    );
    text += &format!(
        "\n- **Streams until others wait**: {}. Stops with them open, ms: {}. Notices a client that left, s: {}.",
        table::stream_limit(run),
        table::stop_time(run),
        table::departure_time(run)
    );
    text += &format!("\n- **What breaks first**: {}", stack.breaks);
    if !stack.instead.is_empty() {
        text += &format!("\n- **What to do instead**: {}", stack.instead);
    }
    if run.polls.iter().any(|it| it.reopened * 2 > it.requests) {
        text += "\n- It closes the connection after each answer, so every poll pays for a new connection.";
    }
    for check in run.contract.iter().filter(|check| check.failure.is_some()) {
        let failure = check.failure.as_deref().unwrap_or_default();
        text += &format!(
            "\n- **Does not keep this part of the contract**: {} ({failure}).",
            check.name
        );
    }
    text
}

/// Writes the document. Returns whether it changed.
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

/// A run in one line, for a terminal.
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
