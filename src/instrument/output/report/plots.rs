//! The plots of the page, with their headings and captions.

use maud::{Markup, html};

use super::{
    super::{run_report::Report, table},
    bars, delays, lines, memory, share,
};
use crate::{LoadScenario, RunResult};
use poll_vs_sse_model::format::{significant, time_us, with_thousands};

/// Why there is no plot.
const NOTHING: &str = "Nothing was delivered while it was measured.";
const UNKNOWN: &str = "Not known of this server: name its process with --pid.";
const UNSEEN: &str = "The server's ends of these connections could not be seen.";

/// The plots of every report, and those that depend on the workload.
pub fn plots(document: &Report) -> Markup {
    let outcomes = &document.transports;
    let bytes = |one: &RunResult| {
        let each = |total: u64| (one.arrivals > 0).then(|| total as f64 / one.arrivals as f64);
        Some(vec![each(one.wire_bytes_in)?, each(one.wire_bytes_out)?])
    };
    let cpu = |one: &RunResult| Some(vec![one.server_cpu_us_per_delivery()?]);
    html! {
        div.plots {
            (figure(
                "How long a message took",
                "Share of deliveries (upwards) seen within a time after the message was due, on a logarithmic scale.",
                outcomes,
                delays::of_deliveries(outcomes).ok_or(NOTHING),
            ))
            (figure(
                "Requests over time",
                "Requests of all clients each second of the measured time; of several runs, the mean.",
                outcomes,
                lines::plot(document).ok_or(NOTHING),
            ))
            (figure(
                "Wire bytes per delivery",
                &format!("Bytes that crossed the sockets for each message that reached a client: what clients sent (pale; {}) and what they received. With several runs, the thin line spans them.", table::heads(&document.workload)),
                &[],
                bars::plot("Wire bytes per delivery", document, bytes, significant).ok_or(NOTHING),
            ))
            (figure(
                "Server CPU per delivery",
                "CPU time of the server for each message that reached a client, its part in publishing included. Of several runs, the thin line goes from the least to the most.",
                &[],
                bars::plot("Server CPU per delivery", document, cpu, time_us).ok_or(UNKNOWN),
            ))
            (events(document))
        }
    }
}

/// The plots of events over time, if the workload has them.
fn events(document: &Report) -> Markup {
    let outcomes = &document.transports;
    let curve = |of: fn(&RunResult) -> Option<share::Curve<'_>>| -> Vec<share::Curve<'_>> {
        outcomes.iter().filter_map(of).collect()
    };
    let (vanished, served) = (curve(share::vanished_curve), curve(share::served_curve));
    let since = match document.workload.scenario {
        LoadScenario::Restart => "after the server was told to stop",
        LoadScenario::Herd | LoadScenario::Steady => "after all of them came at once",
    };
    let stalled = with_thousands(document.workload.stalled as u64);
    html! {
        @if !served.is_empty() {
            (figure(
                "Until all were served",
                &format!("Share of clients with an answer, in seconds {since}."),
                outcomes,
                share::plot("Share of clients served", &served).ok_or(NOTHING),
            ))
        }
        @if outcomes.iter().any(|one| one.rooms.is_some()) {
            (figure(
                "How evenly rooms were served",
                &rooms(document),
                outcomes,
                delays::of_rooms(outcomes).ok_or(NOTHING),
            ))
        }
        @if document.workload.stalled > 0 {
            (figure(
                "Memory while clients have stopped reading",
                &format!("Growth of the server's memory in MiB, from before {stalled} more clients sent a request and stopped reading to the last delivery. The messages that the server keeps are included. Of several runs, the plot shows the one that grew most."),
                outcomes,
                memory::plot(outcomes).ok_or(UNKNOWN),
            ))
        }
        @if outcomes.iter().any(|one| one.vanished.is_some()) {
            (figure(
                "Clients that vanished without closing their connections",
                "Share of their connections that the server still held, by the seconds since they vanished.",
                outcomes,
                share::plot("Share of vanished clients still held", &vanished).ok_or(UNSEEN),
            ))
        }
    }
}

/// The caption of the rooms' plot: no line includes rooms that got nothing.
fn rooms(document: &Report) -> String {
    let mut text = "Share of rooms (upwards) whose messages took at most a time on average, on a logarithmic scale. The \
                    steeper a line, the less one room waits for another."
        .to_owned();
    for one in &document.transports {
        if let Some(rooms) = one.rooms.as_ref().filter(|rooms| rooms.silent > 0) {
            text += &format!(
                " {}: {} of {} rooms got nothing.",
                one.transport,
                with_thousands(rooms.silent),
                with_thousands(rooms.silent + rooms.rooms)
            );
        }
    }
    text
}

/// A plot with its heading and a legend for the transports in `shown`.
fn figure(heading: &str, caption: &str, shown: &[RunResult], plot: Result<Markup, &str>) -> Markup {
    html! {
        figure {
            h2 { (heading) }
            @if !shown.is_empty() {
                ul.key {
                    @for outcome in shown {
                        li data-transport=(outcome.transport) {
                            svg viewBox="0 0 28 8" aria-hidden="true" {
                                path.line d="M1 4H27" {}
                            }
                            (outcome.transport)
                        }
                    }
                }
            }
            @match plot {
                Ok(plot) => (plot),
                Err(why) => p.unknown { (why) },
            }
            figcaption { (caption) }
        }
    }
}
