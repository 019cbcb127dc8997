//! The tables of `docs/scale.md`: measured figures extrapolated to more servers, and a simulated herd.

use std::path::Path;

use anyhow::{Context as _, Result};
use poll_vs_sse_model::format::{significant, with_thousands};

use super::report::{
    forms::FormsRun,
    limits::{
        readers::{ConnectOrder, ReaderKind, ReadersRun, ServerKind},
        scale::ScaleRun,
    },
    part::Part,
    runs::{self, LatestRun},
    spread::spread,
};

const SIZES: [u64; 4] = [1, 5, 20, 100];
/// Seconds over which the readers of a lost server spread their reconnects.
const SPREADS_S: [f64; 3] = [0.0, 1.0, 10.0];
/// The utilization of a server's core before they arrive.
const UTILIZATION: f64 = 0.3;

/// The measured figures that are extrapolated.
pub struct MeasuredCosts {
    /// The largest group that was measured, and the readers of each of its servers.
    servers: usize,
    readers: u64,
    /// KiB of process memory and of kernel memory for a stream, the latter for both ends.
    process_kib: f64,
    kernel_kib: f64,
    /// Microseconds of a server's CPU for a delivery, and of NATS for a message to one more server.
    delivery_us: f64,
    nats_us: f64,
    /// Microseconds of a server's CPU for a TLS handshake.
    handshake_us: f64,
    /// Microseconds to open a stream on a server that has nothing else to do: wall time, the client's share included.
    accept_us: f64,
    /// The number of streams that were opened for that.
    opened: u64,
    /// Links to the runs of the last two figures.
    handshake_run: String,
    accept_run: String,
    /// Microseconds for each reader of a killed server until another server had served it, with `Last-Event-ID`, three
    /// messages to receive and a store on NATS: in the run of the other figures, and wall time, too.
    return_us: Option<f64>,
}

impl MeasuredCosts {
    /// The newest figures; `None` if one of the benches has no full run.
    pub fn last(root: &Path) -> Result<Option<Self>> {
        let scale = runs::latest::<ScaleRun>(root, ScaleRun::FILE)?;
        let readers = runs::latest::<ReadersRun>(root, ReadersRun::FILE)?;
        let forms = runs::latest::<FormsRun>(root, FormsRun::FILE)?;
        let (Some(scale), Some(readers), Some(forms)) = (scale, readers, forms) else {
            return Ok(None);
        };
        let handshake_us = forms.run.handshake_us();
        let (handshake_run, accept_run) = (link(&forms), link(&readers));
        let (scale, readers) = (scale.run, readers.run);
        let group = scale.groups.last().context("no group")?;
        let each = |kib: u64, before: u64| (kib as f64 - before as f64) / group.readers as f64;
        let median = |values: &mut dyn Iterator<Item = f64>| {
            spread(values).map(|it| it.median).context("no value")
        };
        let us = |ns: u64| ns as f64 / 1000.0;
        let messages = &group.messages;
        let own_us = median(&mut messages.iter().map(|one| us(one.cpu_ns)))?;
        let nats_us = median(&mut messages.iter().map(|one| us(one.nats_cpu_ns)))?;
        // Not of a herd: where the kernel's queue of connections is too short for it, the time has a second in which
        // clients wait to try again.
        let in_turn = readers.rows.iter().filter(|row| {
            (row.subject, row.kind, row.arrival)
                == (
                    ServerKind::Accelerator,
                    ReaderKind::Stream,
                    ConnectOrder::InTurn,
                )
        });
        let all_ms = median(&mut in_turn.filter_map(|row| Some(row.served.as_ref()?.all_ms)))?;
        Ok(Some(Self {
            servers: group.servers,
            readers: (group.readers / group.servers) as u64,
            process_kib: each(group.held_kib, group.before_kib),
            kernel_kib: each(group.kernel_held_kib, group.kernel_before_kib),
            delivery_us: own_us / group.readers as f64,
            nats_us: nats_us / group.servers as f64,
            handshake_us: handshake_us.context("a form was not measured")?,
            accept_us: all_ms * 1000.0 / readers.readers as f64,
            opened: readers.readers as u64,
            handshake_run,
            accept_run,
            return_us: (group.moved.as_ref())
                .map(|moved| moved.all_ms * 1e3 * group.servers as f64 / group.readers as f64),
        }))
    }
}

/// A link to a run's file.
fn link<T: Part>(found: &LatestRun<T>) -> String {
    let path = format!("{}/{}", found.directory, T::FILE);
    format!("[`{path}`](../benches/runs/{path})")
}

/// The resources of groups in which all readers get a message a second.
pub fn sizes(measured: &MeasuredCosts) -> String {
    let mut text = "| servers | readers | memory of a server, process and kernel | a server's core at a message a second | NATS's core |\n\
                    |---|---|---|---|---|\n"
        .to_owned();
    for servers in SIZES {
        let each = measured.readers as f64;
        // The run's kernel memory is that of both ends, and a server has only one.
        let memory_mib = each * (measured.process_kib + measured.kernel_kib / 2.0) / 1024.0;
        text += &format!(
            "| {servers} | {} | {} MiB | {} % | {} % |\n",
            with_thousands(servers * measured.readers),
            significant(memory_mib),
            significant(each * measured.delivery_us / 1e4),
            significant(servers as f64 * measured.nats_us / 1e4),
        );
    }
    text + &format!(
        "\nFrom the figures of the run: {} KiB of process memory and {} KiB of kernel memory (half of it the server's) a \
             stream, {} µs of a server's CPU a delivery, {} µs of NATS's a message and server.\n",
        significant(measured.process_kib),
        significant(measured.kernel_kib),
        significant(measured.delivery_us),
        significant(measured.nats_us),
    )
}

/// The loss of one server, whose readers reconnect to the others: as they returned in the run, and as they would open
/// new streams.
pub fn herd(measured: &MeasuredCosts) -> String {
    let return_us = measured.return_us.unwrap_or(measured.accept_us);
    let mut text = "| servers | readers that move | they come within | last one served after | longest wait | with TLS: last one | longest wait | new streams: last one | longest wait |\n\
                    |---|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for servers in SIZES.into_iter().filter(|servers| *servers > 1) {
        for spread_s in SPREADS_S {
            let herds = [
                return_us,
                return_us + measured.handshake_us,
                measured.accept_us,
            ]
            .map(|each_us| simulate(measured.readers, servers - 1, spread_s, each_us));
            let cells =
                herds.map(|herd| format!("{} | {}", time(herd.last_us), time(herd.longest_us)));
            text += &format!(
                "| {servers} | {} | {spread_s} s | {} |\n",
                with_thousands(measured.readers),
                cells.join(" | "),
            );
        }
    }
    text + &format!(
        "\nThe simulation counts {} µs of a server's core for a return, and {} µs more for a TLS handshake ({}).",
        significant(return_us),
        significant(measured.handshake_us),
        measured.handshake_run,
    ) + &measured_return(measured)
        + &format!(
            "\n\n*New streams* is a lower bound: {} µs for each, from {} streams of a memory store, without \
             `Last-Event-ID`, opened in batches ({}). This is wall time, too.\n",
            significant(measured.accept_us),
            with_thousands(measured.opened),
            measured.accept_run,
        )
}

/// Where the figure of a return comes from.
fn measured_return(measured: &MeasuredCosts) -> String {
    let Some(return_us) = measured.return_us else {
        return String::new();
    };
    format!(
        " A return is measured: after one of {} servers was killed, its {} readers were all served by a new one after \
         {}. They came a hundred at a time, each hundred when the one before was served; each had a `Last-Event-ID` and \
         three messages to receive; and the servers and NATS shared one core, the clients the other. So the figure is \
         wall time, the work of NATS and the client's share included, and servers with their own cores should be \
         faster.",
        measured.servers,
        with_thousands(measured.readers),
        time(return_us * measured.readers as f64),
    )
}

fn time(us: f64) -> String {
    match us {
        1e6.. => format!("{} s", significant(us / 1e6)),
        _ => format!("{} ms", significant(us / 1e3)),
    }
}

struct Herd {
    last_us: f64,
    longest_us: f64,
}

/// Each reader reconnects at a random time to a random server. A server serves one reader after another, in addition to
/// its other work.
fn simulate(readers: u64, servers: u64, spread_s: f64, service_us: f64) -> Herd {
    let mut random = Random(0x5eed);
    let mut arrivals: Vec<(f64, u64)> = (0..readers)
        .map(|_| (random.share() * spread_s * 1e6, random.below(servers)))
        .collect();
    arrivals.sort_by(|one, other| one.0.total_cmp(&other.0));
    let service_us = service_us / (1.0 - UTILIZATION);
    let mut free_at = vec![0.0_f64; usize::try_from(servers).expect("few servers")];
    let mut herd = Herd {
        last_us: 0.0,
        longest_us: 0.0,
    };
    for (at, server) in arrivals {
        let free = &mut free_at[usize::try_from(server).expect("few servers")];
        *free = free.max(at) + service_us;
        herd.last_us = herd.last_us.max(*free);
        herd.longest_us = herd.longest_us.max(*free - at);
    }
    herd
}

/// SplitMix64, which gives the same numbers and so the same table each time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    /// From 0 to 1.
    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_herd_without_spread_takes_as_long_as_the_server_with_the_most_readers() {
        let one = simulate(19_000, 1, 0.0, 70.0);
        // 19,000 readers of 100 µs each, on the free share of the core.
        assert!((one.last_us - 1.9e6).abs() < 1.0, "{}", one.last_us);
        assert_eq!(one.last_us, one.longest_us);
        let four = simulate(19_000, 4, 0.0, 70.0);
        assert!(four.last_us > 1.9e6 / 4.0 && four.last_us < 1.9e6 / 3.8);
    }

    #[test]
    fn readers_that_spread_their_reconnects_wait_less() {
        let spread = simulate(19_000, 4, 10.0, 70.0);
        assert!(spread.longest_us < 5_000.0, "{}", spread.longest_us);
        assert!((9.9e6..10.1e6).contains(&spread.last_us));
    }
}
