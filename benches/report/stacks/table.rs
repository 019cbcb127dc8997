//! The tables of `docs/stacks.md`: a row for each stack.

use super::super::number::{count, plain, three_digits};
use super::super::spread::Spread;
use super::catalog::Stack;
use super::{DEPARTURE_INTERVAL, PlainRequest, Purpose, StackRun};

/// A stack and its measurements.
pub struct StackRow<'a> {
    pub stack: &'a Stack,
    pub run: &'a StackRun,
}

type Column<'a> = (&'static str, Box<dyn Fn(&StackRow<'_>) -> String + 'a>);

fn table(rows: &[StackRow<'_>], columns: &[Column<'_>]) -> String {
    let names: Vec<_> = columns.iter().map(|(name, _)| *name).collect();
    let mut text = format!(
        "| stack | {} |\n|{}",
        names.join(" | "),
        "---|".repeat(columns.len() + 1)
    );
    for row in rows {
        let cells: Vec<_> = columns.iter().map(|(_, cell)| cell(row)).collect();
        text += &format!(
            "\n| [{}](#{}) | {} |",
            row.stack.title,
            row.stack.name,
            cells.join(" | ")
        );
    }
    text
}

/// `12.3 (11–14)`; a dash if it was not measured.
pub fn figure(spread: Option<Spread>) -> String {
    scaled(spread, 1.0)
}

fn scaled(spread: Option<Spread>, factor: f64) -> String {
    let Some(Spread {
        median, min, max, ..
    }) = spread
    else {
        return "–".to_owned();
    };
    let [median, min, max] = [median, min, max].map(|value| three_digits(value * factor));
    match min == max {
        true => median,
        false => format!("{median} ({min}–{max})"),
    }
}

/// The table of the CPU time of a poll and a delivery.
pub fn cpu(rows: &[StackRow<'_>]) -> String {
    let columns: [Column<'_>; 6] = [
        (
            "an empty poll, µs",
            Box::new(|row| figure(row.run.poll_cpu_us())),
        ),
        (
            "polls a second of a core",
            Box::new(|row| per_core_second(row.run.poll_cpu_us())),
        ),
        (
            "a delivery, µs",
            Box::new(|row| figure(row.run.delivery_cpu_us())),
        ),
        (
            "deliveries a second of a core",
            Box::new(|row| per_core_second(row.run.delivery_cpu_us())),
        ),
        (
            "with this many streams",
            Box::new(|row| {
                row.run
                    .fan_out
                    .first()
                    .map_or("–".to_owned(), |round| count(round.streams as u64))
            }),
        ),
        (
            "deliveries per poll, in CPU",
            Box::new(|row| poll_in_deliveries(row.run)),
        ),
    ];
    table(rows, &columns)
}

/// How many operations of `us` microseconds one core can do in a second.
fn per_core_second(us: Option<Spread>) -> String {
    us.map_or("–".to_owned(), |us| three_digits(1e6 / us.median))
}

fn poll_in_deliveries(run: &StackRun) -> String {
    let both = run.poll_cpu_us().zip(run.delivery_cpu_us());
    both.map_or("–".to_owned(), |(poll, delivery)| {
        three_digits(poll.median / delivery.median)
    })
}

/// The table of what an open stream holds, and of the most open streams.
pub fn open_streams(rows: &[StackRow<'_>]) -> String {
    let columns: [Column<'_>; 5] = [
        (
            "an open stream takes",
            Box::new(|row| row.stack.holds.clone()),
        ),
        (
            "its memory, KiB",
            Box::new(|row| figure(row.run.idle_kib())),
        ),
        (
            "its CPU while idle, % of a core",
            Box::new(|row| scaled(row.run.idle_cpu_ppm(), 1e-4)),
        ),
        (
            "streams until others wait",
            Box::new(|row| stream_limit(row.run)),
        ),
        (
            "a plain request with one stream → with the most, ms",
            Box::new(|row| plain_request_times(row.run)),
        ),
    ];
    table(rows, &columns)
}

/// The limit of open streams as a range: from the most with which a plain request was answered to the most that opened.
/// No limit if plain requests were always answered.
pub fn stream_limit(run: &StackRun) -> String {
    let starves = run
        .holding
        .iter()
        .any(|it| it.plain.iter().any(|it| it.ms.is_none()));
    let opened = run.holding.iter().map(|it| it.open).max().unwrap_or(0);
    match run.most_streams() {
        Some((most, _)) if !starves => format!("over {}", count(most.min as u64)),
        Some((most, _)) if most.min as usize >= opened => count(opened as u64),
        Some((most, _)) => format!("{}–{}", count(most.min as u64), count(opened as u64)),
        None => "–".to_owned(),
    }
}

/// The time of a plain request with one open stream and with the most, or that it was no longer answered.
fn plain_request_times(run: &StackRun) -> String {
    let of = |pick: fn(&[PlainRequest]) -> Option<&PlainRequest>| {
        super::spread(run.holding.iter().filter_map(|it| pick(&it.plain)?.ms))
    };
    let first = of(|all| all.first());
    let last = of(|all| all.iter().rev().find(|it| it.ms.is_some()));
    let starves = run
        .holding
        .iter()
        .any(|it| it.plain.iter().any(|it| it.ms.is_none()));
    let last = figure(last);
    let first = first.map_or("–".to_owned(), |it| three_digits(it.median));
    match starves {
        true => format!("{first}, then none in 2 s"),
        false => format!("{first} → {last}"),
    }
}

/// The table of stops, departures, stalled clients and reconnects.
pub fn failures(rows: &[StackRow<'_>]) -> String {
    let columns: [Column<'_>; 4] = [
        (
            "stops with its streams open, ms",
            Box::new(|row| stop_time(row.run)),
        ),
        (
            "notices a client that left, s",
            Box::new(|row| departure_time(row.run)),
        ),
        (
            "memory for a client that stalls, KiB",
            Box::new(|row| figure(row.run.stalled_kib())),
        ),
        (
            "with reconnects: missed, repeated",
            Box::new(|row| reconnects(row.run)),
        ),
    ];
    table(rows, &columns)
}

pub fn stop_time(run: &StackRun) -> String {
    let Some(open) = run.holding.iter().map(|it| it.open).max() else {
        return "–".to_owned();
    };
    let of = format!("({} open)", count(open as u64));
    match run.stops() {
        true => format!("{} {of}", figure(run.stop_ms())),
        false => format!("not in {} s {of}", run.holding[0].stop_limit_ms / 1e3),
    }
}

pub fn departure_time(run: &StackRun) -> String {
    match run.departures.iter().find(|it| it.noticed_s.is_none()) {
        Some(unnoticed) => format!("not in {:.0}", unnoticed.limit_s),
        None => run.departure_s().map_or("–".to_owned(), departure_range),
    }
}

/// A departure that the bench found at its first look has a time below this. The server may have noticed it earlier.
const FIRST_LOOK_S: f64 = 1.5 * DEPARTURE_INTERVAL.as_secs_f64();

fn departure_range(spread: Spread) -> String {
    let text = |seconds: f64| match seconds < FIRST_LOOK_S {
        true => format!("under {FIRST_LOOK_S:.2}"),
        false => three_digits(seconds),
    };
    let [median, min, max] = [spread.median, spread.min, spread.max].map(text);
    match min == max {
        true => median,
        false => format!("{median} ({min}–{max})"),
    }
}

fn reconnects(run: &StackRun) -> String {
    if run.reconnects.is_empty() {
        return "not by Last-Event-ID".to_owned();
    }
    let sum = |of: fn(&super::Reconnects) -> u64| run.reconnects.iter().map(of).sum::<u64>();
    let all = sum(|it| it.published);
    let missed = sum(|it| it.missed);
    if run.reconnects.iter().any(|it| it.failure.is_some()) {
        return format!("{missed} of {} missed: it starves", count(all));
    }
    let cuts = sum(|it| it.reconnects as u64);
    format!(
        "{missed}, {} of {} ({cuts} cuts)",
        sum(|it| it.duplicates),
        count(all)
    )
}

/// The load of the runs whose delays and CPU are shown. Others, to which models are fitted, are of other loads.
fn shown_load(run: &StackRun) -> String {
    let shown = run.steady.iter().find(|it| it.purpose == Purpose::Shown);
    shown.map_or("–".to_owned(), |it| {
        format!("{}, {}", count(it.clients as u64), plain(it.rate))
    })
}

/// The table of the delays of messages.
pub fn delays(rows: &[StackRow<'_>]) -> String {
    let delay = |transport: &'static str, row: &StackRow<'_>| {
        let half = figure(row.run.delay_ms(transport, |it| it.p50_us));
        let most = row.run.delay_ms(transport, |it| it.p99_us);
        match most {
            Some(most) => format!("{half}, {}", three_digits(most.median)),
            None => "–".to_owned(),
        }
    };
    let columns: [Column<'_>; 5] = [
        (
            "clients, messages a second",
            Box::new(|row| shown_load(row.run)),
        ),
        (
            "long-poll: half, 99 of 100 within, ms",
            Box::new(move |row| delay("long-poll", row)),
        ),
        (
            "stream: half, 99 of 100 within, ms",
            Box::new(move |row| delay("stream", row)),
        ),
        (
            "a delivery by long-poll, µs",
            Box::new(|row| figure(row.run.steady_cpu_us("long-poll"))),
        ),
        (
            "by stream, µs",
            Box::new(|row| figure(row.run.steady_cpu_us("stream"))),
        ),
    ];
    table(rows, &columns)
}

#[cfg(test)]
mod tests {
    use super::super::tests::run;
    use super::super::{SteadyRun, spread};
    use super::*;

    #[test]
    fn the_load_shown_is_that_of_the_runs_whose_figures_are_shown() {
        let mut measured = run();
        assert_eq!(shown_load(&measured), "–");
        let steady = r#"{"transport":"long-poll","clients":20,"rate":5.0,"purpose":"fit","expected":100,"deliveries":100,
            "missed":0,"duplicates":0,"out_of_order":0,"errors":0,"first_error":null,"p50_us":1,"p99_us":1,
            "cpu_s":1.0,"arrivals":100,"wire_bytes":1,"valid":true}"#;
        let fitted: SteadyRun = serde_json::from_str(steady).expect("a run");
        measured.steady.push(SteadyRun {
            clients: 50,
            rate: 10.0,
            purpose: Purpose::Shown,
            ..fitted.clone()
        });
        measured.steady.insert(0, fitted);
        assert_eq!(shown_load(&measured), "50, 10");
    }

    #[test]
    fn a_departure_seen_at_the_first_look_is_only_known_to_be_shorter() {
        let of = |seconds: &[f64]| departure_range(spread(seconds.iter().copied()).expect("some"));
        assert_eq!(of(&[0.0203, 0.0226]), "under 0.03");
        assert_eq!(of(&[15.0, 30.1, 15.0]), "15.0 (15.0–30.1)");
        assert_eq!(of(&[0.0226, 0.0226, 15.1]), "under 0.03 (under 0.03–15.1)");
    }
}
