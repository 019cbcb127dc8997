//! When to poll with each stack: what its model computes for a page with a thousand clients.

use anyhow::Result;
use poll_vs_sse_instrument::model::{Question, Range, StackErrors, StackModel, plan};

use super::super::number::{count, three_digits};

const INTRODUCTION: &str = "\
`poll-vs-sse plan --stack NAME` computes this table from the figures above, for 1,000 clients and messages of 100 \
bytes. *Poll from*: polling takes less CPU than SSE from this acceptable delay on. It is longer than the last column of \
[Processor](#processor) implies, which is for a busy server: here the server sleeps between polls, and waking up costs \
more than a poll. The cores are for 1,000 clients that each get a message every ten seconds, which may be ten seconds \
late. If each stream holds a worker, the workers are used up long before the CPU, so the number of workers decides. \
*Off by* is the error of the model at loads between those that it was fitted to (40 polls a second, long-polls of 35 \
clients with eight messages a second, streams of 50 with ten), as the median of three rounds each. A stack that lacks \
one of the figures has no row. The row of poll-vs-sse with its accelerator is computed from the [calibrated \
model](model.md), as without `--stack`; this run, on a busier machine, is what it is off by.";

const CLIENTS: f64 = 1000.0;
/// Messages a second for each client, and the rate in words.
const RATES: [(f64, &str); 3] = [
    (1.0, "a second"),
    (0.1, "every ten seconds"),
    (1.0 / 60.0, "a minute"),
];

pub fn section(models: &[StackModel]) -> Result<String> {
    let mut text = format!("## When to poll\n\n{INTRODUCTION}\n\n| stack |");
    for (_, every) in RATES {
        text += &format!(" a message {every}: poll from |");
    }
    text += " cores: poll | long-poll | SSE | streams a core | off by, CPU: poll, long-poll, SSE | advice |\n|---|---|---|---|---|---|---|---|---|---|\n";
    for stack in models {
        text += &row(stack)?;
    }
    Ok(text.trim_end().to_owned())
}

fn row(stack: &StackModel) -> Result<String> {
    let model = stack.model();
    let question = |rate: f64| Question {
        clients: CLIENTS,
        rate,
        max_delay_s: 10.0,
        ..Question::default()
    };
    let mut text = format!("| [{}](#{}) |", stack.title, stack.name);
    for (rate, _) in RATES {
        let found = plan(&model, &question(rate)).break_even.max_delay_s.cpu;
        text += &format!(" {} |", cheaper_from(&found));
    }
    let plan = plan(&model, &question(0.1));
    let transports = [
        plan.transports.poll,
        plan.transports.long_poll,
        plan.transports.stream,
    ];
    for one in transports {
        text += &format!(" {} |", three_digits(one.cores));
    }
    let streams = match stack.workers {
        Some(workers) => format!("{}, a worker each", count(workers as u64)),
        None => format!("over {}", count(stack.span.clients[1] as u64)),
    };
    let so = match stack.workers {
        Some(workers) => format!(
            "poll beyond {} open tabs a core, or add workers",
            count(workers as u64)
        ),
        None if transports[2].cores <= transports[0].cores => "SSE".to_owned(),
        None => "either: with ten seconds of delay, polling takes less CPU".to_owned(),
    };
    Ok(text
        + &format!(
            " {streams} | {} | {so} |\n",
            error_percentages(&stack.errors)
        ))
}

/// The model's errors for each transport, in percent.
fn error_percentages(errors: &StackErrors) -> String {
    let all = [
        errors.poll_cpu,
        errors.long_poll_cpu,
        Some(errors.stream_cpu),
    ];
    let all = all.map(|error| {
        error.map_or("–".to_owned(), |error| {
            format!("{} %", (error.median * 100.0).round())
        })
    });
    all.join(", ")
}

/// The acceptable delay from which polling is cheaper.
fn cheaper_from(ranges: &[Range]) -> String {
    match ranges {
        [] => "never".to_owned(),
        [first, ..] => match first.from {
            None => "any delay".to_owned(),
            Some(seconds) => format!("{} s", three_digits(seconds)),
        },
    }
}
