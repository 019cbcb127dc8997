//! The conclusions from the figures, in plain sentences.

use crate::plan_table::{limit, part, time};
use crate::{
    Bills, Dimension, Estimate, Extrapolation, MatrixErrors, PerMetric, Plan, Prices, Range,
    Transport,
    format::{counted, precise, rate, significant},
};

/// Explains why the cost of polling jumps at some interval.
const RECONNECTS: &str =
    "Polls this far apart find their idle connection closed, and each opens one.";

/// Added to [`RECONNECTS`] over TLS.
const HANDSHAKES: &str = "Each of these connections pays for a TLS handshake, which costs several times what the poll does.";

/// The verdict, the break-even, and the limits of the model.
pub fn sentences(plan: &Plan) -> Vec<String> {
    let mut all = vec![verdict(plan), break_even_sentence(plan)];
    if plan.transports.poll.rates.connects > 0.0 {
        all.push(RECONNECTS.to_owned());
        if plan.question.form.tls {
            all.push(HANDSHAKES.to_owned());
        }
    }
    all.extend(hidden_tabs(plan));
    all.extend(plan.beyond.iter().map(beyond));
    all
}

/// Says what clients in hidden tabs get, if they poll less often than the others.
fn hidden_tabs(plan: &Plan) -> Option<String> {
    let poll = &plan.transports.poll;
    let hidden_s = poll
        .hidden_interval_s
        .filter(|s| Some(*s) != poll.interval_s)?;
    Some(format!(
        "{} % of the clients are in hidden tabs, whose timers browsers slow down: they poll every {}, and their \
         messages are up to {} late.",
        significant(plan.question.hidden_share * 100.0),
        time(hidden_s),
        time(poll.delay_worst_s)
    ))
}

/// Compares polling with a stream, because that is the question.
fn verdict(plan: &Plan) -> String {
    let (poll, stream) = (&plan.transports.poll, &plan.transports.stream);
    let Some(interval_s) = poll.interval_s else {
        return format!(
            "No polling interval is short enough for {}; {}.",
            time(plan.question.max_delay_s),
            sizing_clause(Transport::Stream, stream)
        );
    };
    let sizing = format!(
        "{}; {}.",
        capital(&sizing_clause(Transport::Poll, poll)),
        sizing_clause(Transport::Stream, stream)
    );
    if poll.servers.is_none() || stream.servers.is_none() {
        return sizing;
    }
    let bytes = |one: &Estimate| one.wire_bytes_in_per_s + one.wire_bytes_out_per_s;
    let costs = comparison(
        ratio(poll.cores, stream.cores),
        ratio(bytes(poll), bytes(stream)),
    );
    let found = match poll.rates.empty / poll.rates.requests {
        share if share >= 0.005 => format!(
            ", and {} % of its requests find nothing new",
            (share * 100.0).round()
        ),
        _ => String::new(),
    };
    format!(
        "Polling every {} takes {costs}{found}. {sizing}",
        time(interval_s)
    )
}

fn sizing_clause(transport: Transport, one: &Estimate) -> String {
    let name = match transport {
        Transport::Poll => "polling",
        Transport::LongPoll => "long-polling",
        Transport::Stream => "SSE",
    };
    match one.servers {
        Some(servers) => {
            let count = match servers {
                1.0 => "one server".to_owned(),
                _ => format!("{} servers (for {})", rate(servers), limit(one.limit)),
            };
            format!(
                "{name} needs {count}, busy mostly with {}",
                part(one.dominant)
            )
        }
        None => format!(
            "no number of such servers is enough for {name} (for {})",
            limit(one.limit)
        ),
    }
}

/// How CPU and wire bytes compare with those of SSE. `None` is about the same.
fn comparison(cpu: Option<String>, wire_bytes: Option<String>) -> String {
    match (cpu, wire_bytes) {
        (Some(cpu), Some(bytes)) => format!("{cpu} the CPU and {bytes} the wire bytes of SSE"),
        (Some(cpu), None) => format!("{cpu} the CPU of SSE, and about as many wire bytes"),
        (None, Some(bytes)) => format!("about the same CPU as SSE, and {bytes} its wire bytes"),
        (None, None) => "about the same CPU and wire bytes as SSE".to_owned(),
    }
}

/// The first as a multiple of the second, in words that fit before "the". `None` if they are about the same.
fn ratio(first: f64, second: f64) -> Option<String> {
    let ratio = first / second;
    let is_same = (0.95..1.05).contains(&ratio);
    (!is_same).then(|| format!("{} times", significant(ratio)))
}

/// States the break-even.
fn break_even_sentence(plan: &Plan) -> String {
    let asked = &plan.question;
    format!(
        "At {} to {}, {}. With {} of acceptable delay, {}.",
        per_s(asked.rate),
        match asked.clients {
            1.0 => "one client".to_owned(),
            clients => format!("each of {} clients", rate(clients)),
        },
        break_even_delays(&plan.break_even.max_delay_s),
        time(asked.max_delay_s),
        break_even_rates(&plan.break_even.rate),
    )
}

fn break_even_delays(found: &PerMetric) -> String {
    if !found.comparable {
        return "polling and SSE are not both possible, whatever delay is acceptable".to_owned();
    }
    let cpu = match band(&found.cpu, time) {
        Band::Never => {
            "polling never takes less CPU than SSE, whatever delay is acceptable".to_owned()
        }
        Band::Always => "polling takes less CPU than SSE, whatever delay is acceptable".to_owned(),
        Band::Ranges(ranges) => {
            format!("polling takes less CPU than SSE if the acceptable delay is {ranges}")
        }
    };
    let wire_bytes = match band(&found.wire_bytes, time) {
        Band::Never => "it never takes fewer wire bytes".to_owned(),
        Band::Always => "it always takes fewer wire bytes".to_owned(),
        Band::Ranges(ranges) => format!("it takes fewer wire bytes if that is {ranges}"),
    };
    format!("{cpu}; {wire_bytes}")
}

fn break_even_rates(found: &PerMetric) -> String {
    if !found.comparable {
        return "polling and SSE are not both possible at any rate".to_owned();
    }
    match band(&found.cpu, per_s) {
        Band::Never => "polling takes less CPU than SSE at no rate".to_owned(),
        Band::Always => "polling takes less CPU than SSE at every rate".to_owned(),
        Band::Ranges(ranges) => format!("polling takes less CPU than SSE at rates {ranges}"),
    }
}

/// Says what a month costs, and at which delays polling's bill is lower.
pub fn bill_sentences(plan: &Plan, bills: &Bills) -> Vec<String> {
    let currency = &bills.prices.currency;
    let each = Transport::ALL.map(|transport| match bills.transports.get(transport) {
        None => format!("{transport} is impossible"),
        Some(bill) => format!(
            "{transport} {} {currency} ({})",
            money(bill.total),
            bill.parts()
                .iter()
                .filter(|(_, part)| *part > 0.0)
                .map(|(name, part)| format!("{name} {}", money(*part)))
                .collect::<Vec<_>>()
                .join(", ")
        ),
    });
    let turns = match band(&bills.polling_is_cheaper, time) {
        _ if !plan.break_even.max_delay_s.comparable => {
            "Polling and SSE are not both possible, whatever delay is acceptable.".to_owned()
        }
        Band::Never => {
            "Polling never has a lower bill than SSE, whatever delay is acceptable.".to_owned()
        }
        Band::Always => {
            "Polling has a lower bill than SSE, whatever delay is acceptable.".to_owned()
        }
        Band::Ranges(ranges) => {
            format!("Polling has a lower bill than SSE if the acceptable delay is {ranges}.")
        }
    };
    let mut all = vec![
        format!(
            "A month by the prices of {} ({}, {}): {}.",
            bills.prices.name,
            bills.prices.date,
            bills.prices.source,
            each.join("; ")
        ),
        format!("{turns} You asked for {}.", time(plan.question.max_delay_s)),
    ];
    all.extend(other_server(plan, &bills.prices));
    all
}

/// Warns that the prices are of another server than that of the question.
fn other_server(plan: &Plan, prices: &Prices) -> Option<String> {
    let differing = prices.differing_size(&plan.question);
    if differing.is_empty() {
        return None;
    }
    let priced = [
        prices.server_cores.map(|cores| counted(cores, "core")),
        prices
            .server_memory_gib
            .map(|gib| format!("{} GiB of memory", rate(gib))),
    ];
    Some(format!(
        "The prices are for a server with {}, not for the one of the plan.",
        priced
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" and ")
    ))
}

/// An amount of money.
fn money(amount: f64) -> String {
    match amount {
        0.0 => "0".to_owned(),
        amount if amount < 100.0 => format!("{amount:.2}"),
        amount => rate(amount.round()),
    }
}

fn per_s(rate: f64) -> String {
    match rate {
        1.0 => "1 message/s".to_owned(),
        _ => format!("{} messages/s", precise(rate)),
    }
}

/// The range in which polling is cheaper.
enum Band {
    Never,
    Always,
    /// "above 3 s", "below 1 s", "between 3 s and 60 s"; several with "or".
    Ranges(String),
}

fn band(ranges: &[Range], unit: impl Fn(f64) -> String) -> Band {
    let texts = ranges.iter().map(|range| match (range.from, range.to) {
        (Some(from), Some(to)) => Some(format!("between {} and {}", unit(from), unit(to))),
        (Some(from), None) => Some(format!("above {}", unit(from))),
        (None, Some(to)) => Some(format!("below {}", unit(to))),
        (None, None) => None,
    });
    match texts.collect::<Option<Vec<String>>>() {
        None => Band::Always,
        Some(texts) if texts.is_empty() => Band::Never,
        Some(texts) => Band::Ranges(texts.join(" or ")),
    }
}

fn beyond(beyond: &Extrapolation) -> String {
    let (noun, rest) = match beyond.what {
        Dimension::ClientsPerServer => ("client", " on one server"),
        Dimension::Rate => ("message", "/s"),
        Dimension::Size => ("byte", " a message"),
        Dimension::Interval => ("second", " between polls"),
        Dimension::Load => return light_load(beyond),
    };
    format!(
        "Beyond what was measured: {}{rest} (measured: {} to {}).",
        counted(beyond.asked, noun),
        rate(beyond.least),
        rate(beyond.most)
    )
}

fn light_load(beyond: &Extrapolation) -> String {
    format!(
        "Beyond what the model knows: polls keep {} % of each core busy. At {} % or less, it overestimated polling by \
         more than {} times in some measured cases.",
        precise(beyond.asked * 100.0),
        significant(beyond.least * 100.0),
        MatrixErrors::FAR
    )
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Model, Question, plan};

    #[test]
    fn a_comparison_can_be_read_once() {
        let times = |text: &str| Some(text.to_owned());
        for (cpu, bytes, words) in [
            (
                times("2.31 times"),
                times("1.50 times"),
                "2.31 times the CPU and 1.50 times the wire bytes of SSE",
            ),
            (
                times("2.31 times"),
                None,
                "2.31 times the CPU of SSE, and about as many wire bytes",
            ),
            (
                None,
                times("1.50 times"),
                "about the same CPU as SSE, and 1.50 times its wire bytes",
            ),
            (None, None, "about the same CPU and wire bytes as SSE"),
        ] {
            assert_eq!(comparison(cpu, bytes), words);
        }
    }

    #[test]
    fn one_client_is_not_one_of_several() {
        let question = Question {
            clients: 1.0,
            ..Question::default()
        };
        let text = sentences(&plan(Model::built_in(), &question)).join("\n");
        assert!(text.contains("At 1 message/s to one client, "), "{text}");
    }
}
