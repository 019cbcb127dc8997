//! The tables of `docs/model.md` and `docs/which.md` that are computed from the built-in model.

use poll_vs_sse_model::{
    Constants, Estimate, FormConstants, MeasurePurpose, MeasuredPoint, Model, PerMetric, Question,
    Range, Transport, WireForm,
    format::{precise, significant, size, time_us, with_thousands},
    plan,
};

const CLIENTS: f64 = 10_000.0;

fn question(rate: f64, size: f64, max_delay_s: f64) -> Question {
    Question {
        clients: CLIENTS,
        rate,
        size,
        max_delay_s,
        ..Question::default()
    }
}

fn us(value: f64) -> String {
    format!("{} µs", significant(value))
}

pub fn constants(model: &Model) -> String {
    let mut text = "| | poll | long-poll | stream |\n|---|---|---|---|\n".to_owned();
    let mut row = |name: &str, cell: &dyn Fn(&Constants) -> String| {
        let cells = Transport::ALL.map(|transport| cell(model.transports.get(transport)));
        text += &format!("| {name} | {} |\n", cells.join(" | "));
    };
    row("`request_bytes`", &|one| significant(one.request_bytes));
    row("`answer_bytes`", &|one| significant(one.answer_bytes));
    row("`message_bytes`, beside the text", &|one| {
        significant(one.message_bytes)
    });
    row("`request_us`", &|one| us(one.request_us));
    row("`answer_us`", &|one| us(one.answer_us));
    row("`message_us`", &|one| us(one.message_us));
    row("`cold_us`", &|one| us(one.cold_us));
    row("`cold_s`", &|one| time_us(one.cold_s * 1e6));
    row("`kib_us`", &|one| us(one.kib_us));
    row("`keep_alive_us`", &|one| us(one.keep_alive_us));
    row("`client_bytes`", &|one| size(one.client_bytes));
    row("`answer_share`", &|one| significant(one.answer_share));
    text + &format!(
        "\nFor all: `wake_us` {}, `wake_s` {}, `deep_wake_us` {}, `deep_wake_s` {}, `connect_us` {}, `publish_us` {}, `publish_cold_us` {}, \
         `publish_cold_s` {}, service time {}; of the process `base_us` {} each second, and {}; \
         `kernel_bytes` {} a connection.\n\
         Measured on {} ({}), version {}.\n",
        us(model.wake_us),
        time_us(model.wake_s * 1e6),
        us(model.deep_wake_us),
        time_us(model.deep_wake_s * 1e6),
        us(model.connect_us),
        us(model.publish_us),
        us(model.publish_cold_us),
        time_us(model.publish_cold_s * 1e6),
        time_us(model.service_s * 1e6),
        us(model.base_us),
        size(model.base_memory_bytes),
        size(model.kernel_bytes),
        model.machine,
        model.measured_at.get(..10).unwrap_or_default(),
        model.version,
    )
}

/// The extra costs of each form.
pub fn forms(model: &Model) -> String {
    let heads = WireForm::ALL.map(WireForm::description);
    let mut text = format!("| | {} |\n|---|---|---|---|---|\n", heads.join(" | "));
    let mut row = |name: &str, cell: &dyn Fn(FormConstants) -> String| {
        let cells = WireForm::ALL.map(|form| cell(model.form(form)));
        text += &format!("| {name} | {} |\n", cells.join(" | "));
    };
    row("`request_us`", &|one| us(one.request_us));
    row("`wake_share`", &|one| {
        format!("{} %", significant(100.0 * one.wake_share))
    });
    row("`publish_cold_us`", &|one| us(one.publish_cold_us));
    row("`event_us`", &|one| us(one.event_us));
    row("`connect_us`", &|one| us(one.connect_us));
    row("`head_kib_us`", &|one| us(one.head_kib_us));
    row("`client_bytes`", &|one| size(one.client_bytes));
    text
}

pub fn errors(model: &Model) -> String {
    let percent = |share: f64| significant(share * 100.0);
    let errors = &model.errors;
    let mut text = format!(
        "On the points it was not fitted to, the model that comes with the program is off by at most {} % of CPU \
         (half of the points: {} %), {} % of bytes and {} % of requests.\n\n\
         | | clients | messages/s | bytes | interval | cores, measured | the model | off by | bytes | requests |\n\
         |---|---|---|---|---|---|---|---|---|---|\n",
        percent(errors.cpu_worst),
        percent(errors.cpu_median),
        percent(errors.bytes_worst),
        percent(errors.requests_worst.unwrap_or(0.0)),
    );
    let tests = model
        .points
        .iter()
        .filter(|one| one.purpose == MeasurePurpose::Check);
    for one in tests {
        let name = format!("{}{}", one.transport, one.variant());
        let MeasuredPoint {
            clients,
            rate,
            size,
            interval_s,
            cores,
            ..
        } = one;
        let interval = interval_s.map_or("–".to_owned(), |s| format!("{s} s"));
        let out = one.wire_bytes_out_per_s;
        let into = match one.has_comparable_requests() {
            true => one.wire_bytes_in_per_s,
            false => [0.0, 0.0],
        };
        text += &format!(
            "| {name} | {} | {} | {} | {interval} | {:.4} | {:.4} | {} | {} | {} |\n",
            with_thousands(*clients as u64),
            significant(*rate),
            with_thousands(*size as u64),
            cores[0],
            cores[1],
            deviation(*cores),
            deviation([into[0] + out[0], into[1] + out[1]]),
            deviation(one.requests_per_s),
        );
    }
    text
}

fn deviation([measured, predicted]: [f64; 2]) -> String {
    if measured == 0.0 {
        "–".to_owned()
    } else {
        format!("{:+.1} %", (predicted / measured - 1.0) * 100.0)
    }
}

/// The numbers of clients for which break-evens are shown: few, many, and more than a server can serve.
const BREAK_EVEN_CLIENTS: [f64; 4] = [100.0, 1_000.0, 10_000.0, 10_000_000.0];
/// The message rates for which break-evens are shown, with their names.
const BREAK_EVEN_RATES: [(&str, f64); 6] = [
    ("a message an hour", 1.0 / 3600.0),
    ("a message a minute", 1.0 / 60.0),
    ("a message in ten seconds", 0.1),
    ("1 message a second", 1.0),
    ("10 messages a second", 10.0),
    ("100 messages a second", 100.0),
];

/// The acceptable delays at which polling is cheaper, for each of [`BREAK_EVEN_CLIENTS`].
fn cheaper_delays(model: &Model, rate: f64) -> [PerMetric; 4] {
    BREAK_EVEN_CLIENTS.map(|clients| {
        let asked = Question {
            clients,
            ..question(rate, 200.0, 2.0)
        };
        plan(model, &asked).break_even.max_delay_s
    })
}

/// The acceptable delays from which polling is cheaper. Those within the measured range are bold.
pub fn break_even_delays(model: &Model) -> String {
    let heads = BREAK_EVEN_CLIENTS.map(|clients| with_thousands(clients as u64));
    let mut text = format!(
        "| each client gets | CPU: {} clients | {} | {} | {}: full servers | wire bytes |\n\
         |---|---|---|---|---|---|\n",
        heads[0], heads[1], heads[2], heads[3],
    );
    for (name, rate) in BREAK_EVEN_RATES {
        let found = cheaper_delays(model, rate);
        text += &format!("| {name} |");
        for (clients, one) in BREAK_EVEN_CLIENTS.into_iter().zip(&found) {
            text += &format!(" {} |", cell(model, clients, rate, &one.cpu));
        }
        // Wire bytes are proportional to the clients, whose number does not matter.
        let clients = model.span.clients[0];
        text += &format!(" {} |\n", cell(model, clients, rate, &found[0].wire_bytes));
    }
    let span = &model.span;
    let between = |[least, most]: [f64; 2]| {
        let number = |value: f64| match value >= 1000.0 {
            true => with_thousands(value as u64),
            false => value.to_string(),
        };
        format!("{} to {}", number(least), number(most))
    };
    text + &format!(
        "\nThe model was calibrated on one core, with {} clients, {} to {} messages a second and {} s between polls. \
         **Bold** cells are within these ranges; all others are extrapolated.\n",
        between(span.clients),
        precise(span.rate[0]),
        span.rate[1],
        between(span.interval_s),
    )
}

fn cell(model: &Model, clients: f64, rate: f64, found: &[Range]) -> String {
    let within = |[least, most]: [f64; 2], value: f64| (least..=most).contains(&value);
    let span = &model.span;
    let mut bounds = found
        .iter()
        .flat_map(|range| [range.from, range.to])
        .flatten();
    let has_bounds = found.iter().any(|range| range.from.is_some());
    let is_measured = has_bounds
        && within(span.clients, clients)
        && within(span.rate, rate)
        && bounds.all(|bound| within(span.interval_s, bound));
    let text = ranges(found);
    if is_measured {
        format!("**{text}**")
    } else {
        text
    }
}

/// Messages and seconds from which polling costs less, whatever the other number is.
struct Thresholds {
    messages: f64,
    delay_s: f64,
}

impl Thresholds {
    /// The largest of `all`: pairs of a message rate and the delays at which polling costs less.
    fn of<'a>(all: impl Iterator<Item = (f64, &'a [Range])>) -> Self {
        let none = Self {
            messages: 0.0,
            delay_s: 0.0,
        };
        all.fold(none, |most, (rate, ranges)| {
            let delay_s = match ranges.last() {
                Some(Range { from, to: None }) => from.unwrap_or(0.0),
                _ => f64::INFINITY,
            };
            Self {
                messages: most.messages.max(rate * delay_s),
                delay_s: most.delay_s.max(delay_s),
            }
        })
    }

    /// Rounded up, so that the rule holds in every case.
    fn text(&self) -> String {
        format!(
            "{} messages or more, or if messages may be {} minutes late",
            self.messages.ceil(),
            (self.delay_s / 60.0).ceil()
        )
    }
}

/// The answer to the question of the documents, in numbers.
pub fn rule(model: &Model) -> String {
    let found = BREAK_EVEN_RATES.map(|(_, rate)| (rate, cheaper_delays(model, rate)));
    let everywhere = Thresholds::of(found.iter().flat_map(|(rate, each)| {
        let ranges = each.iter().flat_map(|one| [&*one.cpu, &*one.wire_bytes]);
        ranges.map(|ranges| (*rate, ranges))
    }));
    let full = Thresholds::of(found.iter().map(|(rate, each)| (*rate, &*each[3].cpu)));
    format!(
        "**Use SSE by default. Poll instead if one poll brings {}; then choose the longest interval you can accept.** \
         Then polling takes less CPU and fewer bytes. If only CPU matters and every server is full, {} messages a poll, or \
         {} minutes, are enough.\n",
        everywhere.text(),
        full.messages.ceil(),
        (full.delay_s / 60.0).ceil(),
    )
}

fn ranges(ranges: &[Range]) -> String {
    let time = |seconds: f64| time_us(seconds * 1e6);
    let texts = ranges.iter().map(|range| match (range.from, range.to) {
        (Some(from), Some(to)) => format!("{} to {}", time(from), time(to)),
        (Some(from), None) => format!("{} or more", time(from)),
        (None, Some(to)) => format!("up to {}", time(to)),
        (None, None) => "any delay".to_owned(),
    });
    let texts: Vec<String> = texts.collect();
    if texts.is_empty() {
        "never".to_owned()
    } else {
        texts.join(", or ")
    }
}

pub fn uses(model: &Model) -> String {
    let mut text =
        "| | acceptable delay | | requests/s | empty | wire bytes/s | cores | delay, mean |\n\
                    |---|---|---|---|---|---|---|---|\n"
            .to_owned();
    for (name, rate, size, max_delay_s) in [
        ("notifications: one an hour", 1.0 / 3600.0, 200.0, 30.0),
        ("a chat room: one in ten seconds", 0.1, 200.0, 2.0),
        (
            "a dashboard: one of 1,000 bytes a second",
            1.0,
            1000.0,
            10.0,
        ),
        ("prices: twenty a second", 20.0, 200.0, 1.0),
    ] {
        let plan = plan(model, &question(rate, size, max_delay_s));
        for (number, transport) in Transport::ALL.into_iter().enumerate() {
            let one = plan.transports.get(transport);
            let (name, delay) = match number {
                0 => (name, time_us(max_delay_s * 1e6)),
                _ => ("", String::new()),
            };
            text += &format!("| {name} | {delay} | {transport} | {} |\n", figures(one));
        }
    }
    text
}

fn figures(one: &Estimate) -> String {
    let empty = match one.rates.requests {
        0.0 => "–".to_owned(),
        requests => format!("{} %", (one.rates.empty / requests * 100.0).round()),
    };
    [
        significant(one.rates.requests),
        empty,
        size(one.wire_bytes_in_per_s + one.wire_bytes_out_per_s),
        format!("{:.3}", one.cores),
        time_us(one.delay_mean_s * 1e6),
    ]
    .join(" | ")
}
