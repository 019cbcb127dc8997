//! The page that `--report` writes: one file with the figures, their plots, and how they came about. It
//! needs no network and no script.

mod axis;
mod bars;
mod cards;
mod delays;
mod lines;
mod memory;
mod plot;
mod share;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{
    run_report::Report,
    table,
    warnings::{Warning, warnings},
};
use crate::{LoadScenario, RunResult};
use poll_vs_sse_model::format::{significant, time_us, with_thousands};

/// Why there is no plot.
const NOTHING: &str = "Nothing was delivered while it was measured.";
const UNKNOWN: &str = "Not known of this server: name its process with --pid.";
const UNSEEN: &str = "The server's ends of these connections could not be seen.";

/// The lab's colours and typefaces, and the report's looks.
const STYLE: &str = concat!(
    include_str!("../../../../web/src/styles/palette.css"),
    include_str!("style.css")
);

/// The whole page as text.
pub fn page(document: &Report) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "What each transport cost: " (document.target.name) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (head(document))
                main {
                    (cards::cards(&document.transports))
                    (caveats(document))
                    (plots(document))
                    (figures(document))
                    (methodology(document))
                }
            }
        }
    };
    page.into_string()
}

fn head(document: &Report) -> Markup {
    html! {
        header {
            p.kind { "poll-vs-sse compare" }
            h1 { "What each transport cost" }
            p.question {
                (document.target.name) ": " (table::workload(&document.workload)) "."
            }
            (invalidating(document))
            p.verdict { (document.verdict) }
        }
    }
}

/// Losses first and loudest.
fn invalidating(document: &Report) -> Markup {
    html! {
        @if document.interrupted {
            p.warning { "Stopped early: these are the figures up to then." }
        }
        @for warning in warnings_of(document, true) {
            p.warning.invalidates role="alert" { (warning.text) }
        }
    }
}

/// What a reader of the figures should know, folded away.
fn caveats(document: &Report) -> Markup {
    let all = warnings_of(document, false);
    html! {
        @if !all.is_empty() {
            details.caveats {
                summary { (all.len()) @if all.len() == 1 { " caveat" } @else { " caveats" } }
                @for warning in all { p.warning { (warning.text) } }
            }
        }
    }
}

fn warnings_of(document: &Report, invalidating: bool) -> Vec<Warning> {
    let mut all = warnings(&document.target, &document.machine, &document.transports);
    all.retain(|warning| warning.invalidates == invalidating);
    all
}

fn plots(document: &Report) -> Markup {
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

/// What happened to clients one after the other, if that was asked for.
fn events(document: &Report) -> Markup {
    let outcomes = &document.transports;
    let curve = |of: fn(&RunResult) -> Option<share::Curve<'_>>| -> Vec<share::Curve<'_>> {
        outcomes.iter().filter_map(of).collect()
    };
    let (vanished, served) = (curve(share::held), curve(share::served));
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
                "Memory beside clients that stopped reading",
                &format!("Growth of the server's memory in MiB, from before {stalled} more clients sent a request and stopped reading to the last delivery. Messages that the server keeps are in it, whoever reads. Of several runs, the one that grew most."),
                outcomes,
                memory::plot(outcomes).ok_or(UNKNOWN),
            ))
        }
        @if outcomes.iter().any(|one| one.vanished.is_some()) {
            (figure(
                "Clients that went without a word",
                "Share of their connections that the server still held, in seconds after they went.",
                outcomes,
                share::plot("Share of vanished clients still held", &vanished).ok_or(UNSEEN),
            ))
        }
    }
}

/// The caption of the rooms' picture: rooms that got nothing are in no line.
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

/// A plot with its heading and a legend for the `shown`.
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

fn figures(document: &Report) -> Markup {
    let mut rows = table::rows(document).into_iter();
    let heading = rows.next().unwrap_or_default();
    html! {
        h2 { "Figures" }
        @if let Some(audit) = table::audit(document) { p.audit { (audit) } }
        div.scroll {
            table {
                thead { tr { @for cell in &heading { th scope="col" { (cell) } } } }
                tbody {
                    @for row in rows {
                        tr.under[row[0].starts_with(' ')] {
                            @for (at, cell) in row.iter().enumerate() {
                                @if at == 0 { th scope="row" { (cell.trim()) } } @else { td { (cell) } }
                            }
                        }
                    }
                }
            }
        }
        p.note {
            "Requests, bytes and CPU are those of the measured time; deliveries are those of the messages \
             that were due within it. What is per delivery is divided by the deliveries of the same time. \
             Bytes are seen from the server: "
            em { "in" } " is what clients sent."
        }
    }
}

fn methodology(document: &Report) -> Markup {
    let facts = [
        ("Server", table::server(document)),
        ("Profile", document.target.profile.clone()),
        ("Machine", document.machine.to_string()),
        ("Processors", document.pinning.to_string()),
        ("Began", truncate_seconds(&document.started_at)),
        ("poll-vs-sse", document.versions.own.clone()),
    ];
    html! {
        h2 { "How it was measured" }
        dl {
            @for (name, fact) in facts { dt { (name) } dd { (fact) } }
            dt { "Command" } dd { code { (document.command.join(" ")) } }
        }
        p.note {
            "Messages were published when they were due, whatever became of the ones before, and delays count \
             from then. Every client kept account of every message. Absolute times hold for this machine; \
             what carries over is one transport against another within one run."
        }
    }
}

/// A time as RFC 3339 gives it, without a fraction of a second.
fn truncate_seconds(time: &str) -> String {
    match time.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => time.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Bucket, MemorySample, RestartStats, RoomStats, SecondStats, Steps, Transport, VanishStats,
        test_fixtures::{document, outcome},
    };

    fn run(transport: Transport) -> RunResult {
        let mut run = outcome(transport);
        run.delay_buckets = vec![
            Bucket {
                le_us: 400,
                count: 2000,
            },
            Bucket {
                le_us: 2000,
                count: 1000,
            },
        ];
        run.timeline = vec![
            SecondStats {
                requests: 50,
                deliveries: 100,
                wire_bytes: 40_000
            };
            30
        ];
        run
    }

    #[test]
    fn the_page_has_its_plots_and_needs_nothing_else() {
        let runs = Transport::ALL.map(run).to_vec();
        let page = page(&document(runs));
        assert_eq!(page.matches("<svg class=\"plot\"").count(), 4);
        for foreign in ["src=", "href=", "@import", "url(", "<script", "http"] {
            assert!(!page.contains(foreign), "{foreign}");
        }
        assert!(!page.contains("NaN") && !page.contains("inf\""), "{page}");
    }

    #[test]
    fn the_verdict_and_three_figures_for_each_transport_come_first_and_caveats_are_folded() {
        let mut report = document(Transport::ALL.map(run).to_vec());
        report.target.pid = Some(1);
        report.target.pid_listens = Some(false);
        let page = page(&report);
        let at = |what: &str| page.find(what).unwrap_or_else(|| panic!("{what}: {page}"));
        assert_eq!(page.matches("<article class=\"card\"").count(), 3);
        assert_eq!(page.matches("<dd class=\"card-figure\"").count(), 9);
        assert!(at("class=\"verdict\"") < at("class=\"card\""));
        assert!(at("class=\"card\"") < at("<figure"));
        // The longest bar of each figure is the whole of its scale.
        assert!(page.matches("style=\"--of-scale:100.00%\"").count() >= 3);
        let loud = page.match_indices("class=\"warning\"");
        assert!(
            loud.map(|(at, _)| at)
                .all(|warning| warning > at("<details"))
        );
    }

    #[test]
    fn a_restart_and_clients_that_vanished_have_a_picture_each() {
        let mut restarted = run(Transport::Stream);
        restarted.served = Steps::of([0.2, 0.7]);
        restarted.restart = Some(RestartStats {
            away_s: Some(0.1),
            unserved: 2,
            ..RestartStats::default()
        });
        let mut mute = run(Transport::Poll);
        mute.vanished = Some(VanishStats {
            clients: 4,
            released: Steps::of([30.0, 31.0]),
            watched_s: 120.0,
            unseen: None,
        });
        let page = page(&document(vec![restarted, mute.clone()]));
        assert_eq!(page.matches("<svg class=\"plot\"").count(), 6);
        assert!(page.contains("2 CLIENTS WERE NOT SERVED AGAIN"), "{page}");
        mute.vanished = mute.vanished.map(|vanished| VanishStats {
            unseen: Some("it is far away".to_owned()),
            ..vanished
        });
        let page = super::page(&document(vec![mute]));
        assert_eq!(page.matches("<svg class=\"plot\"").count(), 4);
        assert!(page.contains("could not be seen"), "{page}");
    }

    #[test]
    fn rooms_and_clients_that_stopped_reading_have_a_picture_each() {
        let sample = |after_s, bytes| MemorySample { after_s, bytes };
        let mut one = run(Transport::Stream);
        one.rooms = Some(RoomStats::of([300, 400, 900], 5));
        one.stalled_memory = vec![sample(0.0, 9_000_000), sample(1.0, 20_000_000)];
        let mut report = document(vec![one.clone()]);
        report.workload.stalled = 1200;
        let page = page(&report);
        assert_eq!(page.matches("<svg class=\"plot\"").count(), 6);
        assert!(page.contains("stream: 2 of 5 rooms got nothing."), "{page}");
        assert!(page.contains("1,200 more clients"), "{page}");
        one.stalled_memory.clear();
        one.rooms = Some(RoomStats::of([], 5));
        report.transports = vec![one];
        let page = super::page(&report);
        assert_eq!(page.matches("<svg class=\"plot\"").count(), 4);
        assert!(page.contains("--pid") && !page.contains("NaN"), "{page}");
    }

    #[test]
    fn one_second_is_a_point_and_several_runs_have_their_spread() {
        let mut short = run(Transport::Poll);
        short.timeline.truncate(1);
        short.duration_s = 1.0;
        let page_of = |runs: Vec<RunResult>| page(&document(runs));
        let once = page_of(vec![short.clone()]);
        assert!(once.contains("<circle class=\"point\"") && !once.contains("\"spread\""));
        let longer = run(Transport::Stream);
        let mut dearer = longer.clone();
        dearer.server_cpu_s = Some(0.06);
        let twice = page_of(vec![longer, dearer]);
        assert!(!twice.contains("<circle"), "{twice}");
        assert_eq!(twice.matches("class=\"spread\"").count(), 2, "{twice}");
    }

    #[test]
    fn what_is_not_known_is_said_and_not_drawn() {
        let mut foreign = run(Transport::Stream);
        foreign.server_cpu_s = None;
        let page = page(&document(vec![foreign]));
        assert_eq!(page.matches("<svg class=\"plot\"").count(), 3);
        assert!(page.contains("--pid"), "{page}");
    }

    #[test]
    fn a_run_without_a_delivery_has_a_page_all_the_same() {
        let mut nothing = outcome(Transport::Poll);
        nothing.deliveries = 0;
        nothing.arrivals = 0;
        nothing.missed = nothing.expected;
        nothing.delay_us = None;
        nothing.timeline.clear();
        let page = page(&document(vec![nothing]));
        assert!(page.contains("3,000 MISSED") && page.contains("role=\"alert\""));
        assert!(!page.contains("NaN"), "{page}");
    }

    #[test]
    fn what_others_wrote_is_text_and_no_markup() {
        let mut document = document(vec![run(Transport::Stream)]);
        document.target.name = "http://h/<script>".to_owned();
        document.versions.server = Some("<b>x</b>".to_owned());
        let page = page(&document);
        assert!(
            !page.contains("<script>") && !page.contains("<b>"),
            "{page}"
        );
    }
}
