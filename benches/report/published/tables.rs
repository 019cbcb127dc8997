//! The scenario as tables: compared with the paper, by number of clients, and extrapolated to other delays.

use super::super::number::{count, three_digits};
use super::{DeliveryMethod, PaperRun, Step};

const MIB: f64 = 1024.0 * 1024.0;

/// Clients that one core served, next to the paper's figures.
pub fn served(paper: &PaperRun) -> String {
    let mut text = format!(
        "#### Clients on one core within {} s\n\n{} bytes every {} s, {} in each step; pollers pause {} s. *here* is \
         the most clients of which none waited longer than that, and *ended by* is what prevented more clients.\n\n\
         | | paper | here | ended by | slowest | requests/s | server CPU | memory |\n\
         |---|---|---|---|---|---|---|---|",
        paper.acceptable_s,
        count(paper.size_bytes as u64),
        paper.period_s,
        match paper.documents() {
            1 => "one".to_owned(),
            documents => count(documents),
        },
        paper.pause_s,
    );
    for way in DeliveryMethod::ALL {
        let in_paper = way.in_paper().map_or("–".to_owned(), count);
        let Some(best) = paper.best_step(way) else {
            text += &format!(
                "\n| {} | {in_paper} | – | delay | – | – | – | – |",
                way.name()
            );
            continue;
        };
        let outcome = &best.outcome;
        let limited = if outcome.load.limited {
            ", the load generator near its own"
        } else {
            ""
        };
        let ended = if paper.is_exhausted(way) {
            "delay".to_owned()
        } else if outcome.clients >= paper.most_clients as u64 {
            let limit = paper.open_files.map(|limit| count(limit) + " ");
            format!(
                "the {}open files a process may have",
                limit.unwrap_or_default()
            )
        } else {
            "nothing: no more were tried".to_owned()
        };
        text += &format!(
            "\n| {} | {in_paper} | {} | {ended}{limited} | {} s | {} | {:.0} % | {} MiB |",
            way.name(),
            count(outcome.clients),
            three_digits(best.slowest_s()),
            three_digits(outcome.requests as f64 / outcome.duration_s),
            best.cpu() * 100.0,
            memory(best),
        );
    }
    text
}

fn memory(step: &Step) -> String {
    let bytes = step.outcome.server_memory_bytes;
    bytes.map_or("–".to_owned(), |bytes| three_digits(bytes as f64 / MIB))
}

/// CPU, memory and the slowest delivery by number of clients.
pub fn growth(paper: &PaperRun) -> String {
    let mut numbers: Vec<u64> = paper
        .steps
        .iter()
        .map(|step| step.outcome.clients)
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    let names: Vec<_> = DeliveryMethod::ALL.iter().map(|way| way.name()).collect();
    let mut text = format!(
        "#### As clients grow\n\nServer CPU (share of the core) / memory (MiB, proportional set size, including \
         nginx's if it is in front) / slowest delivery (s). † the load generator was near its own limit.\n\n| clients | {} |\n|{}",
        names.join(" | "),
        "---|".repeat(names.len() + 1)
    );
    for clients in numbers {
        let cells = DeliveryMethod::ALL.map(|way| {
            let of = paper.steps_of(way).into_iter();
            let mut of = of.filter(|step| step.outcome.clients == clients);
            of.next().map_or("–".to_owned(), cell)
        });
        text += &format!("\n| {} | {} |", count(clients), cells.join(" | "));
    }
    text
}

fn cell(step: &Step) -> String {
    let mark = if step.outcome.load.limited {
        " †"
    } else {
        ""
    };
    format!(
        "{:.0} % / {} / {}{mark}",
        step.cpu() * 100.0,
        memory(step),
        three_digits(step.slowest_s())
    )
}

/// What one core could serve, from the CPU time of each request and delivery.
pub fn capacity(paper: &PaperRun) -> String {
    let Some(push) = paper.costed_step(DeliveryMethod::Stream).map(Step::each_us) else {
        return String::new();
    };
    let mut text = format!(
        "#### Computed capacity of one core\n\nThis table is computed, not measured. It uses the server's CPU time for \
         one request or delivery, with the most clients for which the load generator was not near its own limit. With a \
         maximum acceptable delay M and a document every \
         P = {} s, a core that needs c for a poll serves M / c pollers (the paper's `requests/s ≥ users / M`). A \
         core that needs p for a push serves min(M, P) / p streams, because the next document has to wait until all \
         clients have the last one. So polling serves more clients only if M > P · c / p. Polls by cursor are cheap \
         here because nine of ten are empty. With more clients, each client would poll less often, and more of the \
         polls would carry a document.\n\n\
         | | measured with | CPU each | clients at {} s | at 10 s | at 60 s | serves more than SSE if M is above |\n\
         |---|---|---|---|---|---|---|",
        paper.period_s, paper.acceptable_s
    );
    for way in DeliveryMethod::ALL {
        let Some(step) = paper.costed_step(way) else {
            continue;
        };
        let each = step.each_us();
        let clients = |delay: f64| {
            let time = match way {
                DeliveryMethod::Stream => delay.min(paper.period_s),
                _ => delay,
            };
            three_digits(time * 1e6 / each)
        };
        let above = match way {
            DeliveryMethod::Stream => "–".to_owned(),
            _ => format!("{} s", three_digits(paper.period_s * each / push)),
        };
        text += &format!(
            "\n| {} | {} | {} µs | {} | {} | {} | {above} |",
            way.name(),
            count(step.outcome.clients),
            three_digits(each),
            clients(paper.acceptable_s),
            clients(10.0),
            clients(60.0),
        );
    }
    text + &verdict(paper, push)
}

/// Whether the paper's rule holds here.
fn verdict(paper: &PaperRun, push: f64) -> String {
    const RULE_S: f64 = 10.0;
    let Some(whole) = paper.costed_step(DeliveryMethod::Whole).map(Step::each_us) else {
        return String::new();
    };
    let above = paper.period_s * whole / push;
    let holds = match above {
        above if above > RULE_S * 1.25 => "the bound is higher here",
        above if above < RULE_S * 0.8 => "the bound is lower here",
        _ => "it holds here",
    };
    format!(
        "\n\nThe paper's rule, \"polling serves more clients only if the acceptable delay is above {RULE_S} s\": \
         {holds}. Polling for whole documents serves more clients above {} s, because a poll costs {} times as much \
         as a push ({} against {} µs); the paper's {RULE_S} s imply that a poll cost twice as much there. The form \
         of the rule does not depend on the server: up to the time between two documents, both numbers of clients \
         grow with the acceptable delay; above it, only that of polling grows.",
        three_digits(above),
        three_digits(whole / push),
        three_digits(whole),
        three_digits(push)
    )
}
