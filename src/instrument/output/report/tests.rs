//! The page as a whole.

use super::*;
use crate::{
    Bucket, MemorySample, RestartStats, RoomStats, RunResult, SecondStats, Steps, Transport,
    VanishStats,
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
fn the_page_has_its_plots_and_is_self_contained() {
    let runs = Transport::ALL.map(run).to_vec();
    let page = page(&document(runs));
    assert_eq!(page.matches("<svg class=\"plot\"").count(), 4);
    for foreign in ["src=", "href=", "@import", "url(", "<script", "http"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    assert!(!page.contains("NaN") && !page.contains("inf\""), "{page}");
}

#[test]
fn the_verdict_and_the_cards_come_first_and_caveats_are_collapsed() {
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
fn a_restart_and_vanished_clients_have_a_plot_each() {
    let mut restarted = run(Transport::Stream);
    restarted.served = Steps::from_times([0.2, 0.7]);
    restarted.restart = Some(RestartStats {
        away_s: Some(0.1),
        unserved: 2,
        ..RestartStats::default()
    });
    let mut mute = run(Transport::Poll);
    mute.vanished = Some(VanishStats {
        clients: 4,
        released: Steps::from_times([30.0, 31.0]),
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
fn rooms_and_clients_that_stopped_reading_have_a_plot_each() {
    let sample = |after_s, bytes| MemorySample { after_s, bytes };
    let mut one = run(Transport::Stream);
    one.rooms = Some(RoomStats::from_means([300, 400, 900], 5));
    one.stalled_memory = vec![sample(0.0, 9_000_000), sample(1.0, 20_000_000)];
    let mut report = document(vec![one.clone()]);
    report.workload.stalled = 1200;
    let page = page(&report);
    assert_eq!(page.matches("<svg class=\"plot\"").count(), 6);
    assert!(page.contains("stream: 2 of 5 rooms got nothing."), "{page}");
    assert!(page.contains("1,200 more clients"), "{page}");
    one.stalled_memory.clear();
    one.rooms = Some(RoomStats::from_means([], 5));
    report.transports = vec![one];
    let page = super::page(&report);
    assert_eq!(page.matches("<svg class=\"plot\"").count(), 4);
    assert!(page.contains("--pid") && !page.contains("NaN"), "{page}");
}

#[test]
fn a_run_of_one_second_is_a_point_and_several_runs_show_their_spread() {
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
fn unknown_figures_are_named_and_not_drawn() {
    let mut foreign = run(Transport::Stream);
    foreign.server_cpu_s = None;
    let page = page(&document(vec![foreign]));
    assert_eq!(page.matches("<svg class=\"plot\"").count(), 3);
    assert!(page.contains("--pid"), "{page}");
}

#[test]
fn a_run_without_a_delivery_has_a_page_too() {
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
fn text_from_outside_is_escaped() {
    let mut document = document(vec![run(Transport::Stream)]);
    document.target.name = "http://h/<script>".to_owned();
    document.versions.server = Some("<b>x</b>".to_owned());
    let page = page(&document);
    assert!(
        !page.contains("<script>") && !page.contains("<b>"),
        "{page}"
    );
}
