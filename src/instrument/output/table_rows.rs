//! The rows of the closing table: its figures, and how each is written.

use crate::RunResult;
use poll_vs_sse_model::format::{significant, size, time_us, with_thousands};

/// One row.
pub struct Row {
    pub name: &'static str,
    pub cell: fn(&RunResult) -> Option<String>,
    /// The figure whose spread over several runs gets an additional row.
    pub spread: Option<Spread>,
    /// Whether the row is left out if no transport has the figure.
    pub is_optional: bool,
}

/// With fewer clients, the growth of the server's memory is that of its program (its heap, its compiled code) and says
/// nothing about a client.
const MIN_CLIENTS_OF_MEMORY: u64 = 300;

/// A figure, and how it is written.
pub type Spread = (fn(&RunResult) -> Option<f64>, fn(f64) -> String);

/// In the order of the table. The name of one that is part of another is indented.
pub const ROWS: [Row; 39] = [
    plain("deliveries", |one| Some(with_thousands(one.deliveries))),
    plain("  of expected", |one| Some(with_thousands(one.expected))),
    plain("  missed", |one| Some(with_thousands(one.missed))),
    plain("  duplicates", |one| Some(with_thousands(one.duplicates))),
    plain("  out of order", |one| {
        Some(with_thousands(one.out_of_order))
    }),
    plain("requests", |one| Some(with_thousands(one.requests))),
    plain("  with an empty answer", |one| {
        Some(with_thousands(one.empty))
    }),
    plain("  per delivery", |one| {
        one.requests_per_delivery().map(significant)
    }),
    plain("wire bytes in", |one| {
        Some(with_thousands(one.wire_bytes_in))
    }),
    plain("wire bytes out", |one| {
        Some(with_thousands(one.wire_bytes_out))
    }),
    spread(
        "  both per delivery",
        (RunResult::wire_bytes_per_delivery, significant),
    ),
    plain("server CPU", |one| {
        one.server_cpu_s.map(|s| time_us(s * 1e6))
    }),
    spread(
        "  per delivery",
        (RunResult::server_cpu_us_per_delivery, time_us),
    ),
    plain("server memory", |one| {
        one.server_memory_bytes.map(|bytes| size(bytes as f64))
    }),
    plain("  growth / clients", |one| {
        let growth = one.server_memory_bytes_per_client();
        growth
            .filter(|_| one.clients >= MIN_CLIENTS_OF_MEMORY)
            .map(size)
    }),
    spread(
        "delay, median",
        (|one| one.delay(|delays| delays.p50), time_us),
    ),
    spread(
        "  90 of 100 within",
        (|one| one.delay(|delays| delays.p90), time_us),
    ),
    spread(
        "  99 of 100 within",
        (|one| one.delay(|delays| delays.p99), time_us),
    ),
    plain("  at most", |one| {
        one.delay(|delays| delays.max).map(time_us)
    }),
    plain("connections", |one| Some(with_thousands(one.connections))),
    optional("  TLS handshake, bytes in", |one| {
        one.handshake_bytes()
            .map(|(bytes_in, _)| significant(bytes_in))
    }),
    optional("  TLS handshake, bytes out", |one| {
        one.handshake_bytes()
            .map(|(_, bytes_out)| significant(bytes_out))
    }),
    optional("  until all were served", |one| {
        (one.opening_s > 0.0).then(|| time_us(one.opening_s * 1e6))
    }),
    optional("  server CPU to open one", |one| {
        one.opening_cpu_us_per_client().map(time_us)
    }),
    optional("  streams that it ended", |one| {
        (one.ended_streams > 0).then(|| with_thousands(one.ended_streams))
    }),
    optional("restart: server away for", |one| {
        one.restart?.away_s.map(seconds)
    }),
    optional("  half were served after", |one| {
        one.restart?;
        one.served.median_s().map(seconds)
    }),
    optional("  all were served after", |one| {
        let is_all = one.restart?.unserved == 0;
        let last = one.served.last_s().filter(|_| is_all);
        Some(last.map_or("never".to_owned(), seconds))
    }),
    optional("  late deliveries", |one| {
        Some(with_thousands(one.restart?.late))
    }),
    optional("  messages refused", |one| {
        Some(with_thousands(one.restart?.refused))
    }),
    optional("  failed requests", |one| {
        Some(with_thousands(one.restart?.failed))
    }),
    optional("peak of server CPU", |one| {
        let cores = one.peaks?.server_processors?;
        Some(format!("{} cores", significant(cores)))
    }),
    optional("  of memory", |one| {
        Some(size(one.peaks?.server_memory_bytes? as f64))
    }),
    optional("  of requests/s", |one| {
        Some(significant(one.peaks?.requests_per_s))
    }),
    optional("vanished clients", |one| {
        Some(with_thousands(one.vanished.as_ref()?.clients))
    }),
    optional("  median until released", |one| {
        let vanished = one.vanished.as_ref()?;
        vanished.released.median_s().map(seconds)
    }),
    optional("  still held in the end", |one| {
        let vanished = one.vanished.as_ref()?;
        Some(match vanished.still_held()? {
            0 => "0".to_owned(),
            held => format!(
                "{} after {}",
                with_thousands(held),
                seconds(vanished.watched_s)
            ),
        })
    }),
    plain("errors", |one| Some(with_thousands(one.errors))),
    plain("load generator's CPU", |one| {
        Some(format!("{:.0} %", one.load.cpu_share * 100.0))
    }),
];

const fn plain(name: &'static str, cell: fn(&RunResult) -> Option<String>) -> Row {
    Row {
        name,
        cell,
        spread: None,
        is_optional: false,
    }
}

const fn optional(name: &'static str, cell: fn(&RunResult) -> Option<String>) -> Row {
    Row {
        is_optional: true,
        ..plain(name, cell)
    }
}

const fn spread(name: &'static str, spread: Spread) -> Row {
    Row {
        name,
        cell: |_| None,
        spread: Some(spread),
        is_optional: false,
    }
}

fn seconds(seconds: f64) -> String {
    time_us(seconds * 1e6)
}
