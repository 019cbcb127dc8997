//! A comparison that is stopped in the middle prints the results so far.

use std::{net::TcpListener, time::Duration};

use poll_vs_sse_instrument::{Progress, Report, RunControl, Transport, Workload};
use tokio::sync::watch;

use crate::support::{
    own_target,
    program::{Program, command},
    run_with, small_workload,
};

fn assert_stopped_by(signal: i32, code: i32) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("out.json");
    let json = path.display().to_string();
    let args = [
        "compare",
        "--clients",
        "5",
        "--rate",
        "20",
        "--duration",
        "10m",
        "--transports",
        "stream,poll",
        "--json",
        &json,
    ];
    let mut program = Program::start(command(&args));
    program.wait_until("it measures", |program| {
        program.stderr.text().contains(" of 600 s").then_some(())
    });
    // Long enough for messages to have arrived.
    std::thread::sleep(std::time::Duration::from_millis(500));
    program.signal(signal);
    let ended = program.wait();
    assert_eq!(ended.code, Some(code), "{}", ended.stderr);
    assert!(ended.stdout.contains("Stopped early"), "{}", ended.stdout);
    let text = std::fs::read_to_string(&path).expect("written");
    let document = Report::from_json(&text).expect("a document");
    assert!(document.interrupted && document.valid, "{text}");
    assert_eq!(document.transports.len(), 1, "poll had not begun");
    assert!(document.transports[0].deliveries > 0, "{text}");
    assert!(ended.stdout.contains(&document.verdict), "{}", ended.stdout);
}

#[test]
fn an_interrupt_prints_the_results_so_far() {
    assert_stopped_by(libc::SIGINT, 130);
}

#[test]
fn a_termination_prints_the_results_so_far() {
    assert_stopped_by(libc::SIGTERM, 143);
}

#[test]
fn messages_that_had_no_time_to_arrive_before_a_stop_are_not_missed() {
    let workload = Workload {
        clients: 4,
        interval: Duration::from_secs(8),
        duration: Duration::from_secs(1),
        ..small_workload()
    };
    let (sender, stop) = watch::channel(false);
    let on_progress = move |progress| {
        if matches!(progress, Progress::Draining { lacking: 1.. }) {
            let _ = sender.send(true);
        }
    };
    let control = RunControl::new(on_progress, stop);
    let outcome = run_with(&own_target(), &workload, Transport::Poll, &control);
    assert!(outcome.interrupted, "{outcome:?}");
    assert!(outcome.expected < 4 * 10, "it waited for every poll");
    assert_eq!((outcome.missed, outcome.unanswered), (0, 0), "{outcome:?}");
}

#[test]
fn a_stop_while_the_server_is_tried_out_is_reported() {
    // It takes connections and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", silent.local_addr().expect("an address"));
    let program = Program::start(command(&["compare", "--target", &url]));
    // The first connection only shows that the address answers; the second has a request.
    let _open = [(); 2].map(|()| silent.accept().expect("a connection"));
    program.signal(libc::SIGINT);
    let ended = program.wait();
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    let words = "stopped before there was anything to measure";
    assert!(ended.stderr.contains(words), "{}", ended.stderr);
    assert_eq!(ended.stdout, "");
}

#[test]
fn a_stop_before_the_first_message_keeps_an_earlier_result() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("out.json");
    std::fs::write(&path, "an earlier result").expect("written");
    let json = path.display().to_string();
    let args = [
        "compare",
        "--rate",
        "0.01",
        "--interval",
        "10m",
        "--transports",
        "poll",
        "--json",
        &json,
    ];
    let mut program = Program::start(command(&args));
    program.wait_until("the warm-up", |program| {
        program.stderr.text().contains("warming up").then_some(())
    });
    program.signal(libc::SIGINT);
    let ended = program.wait();
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    let words = "stopped before there was anything to measure";
    assert!(ended.stderr.contains(words), "{}", ended.stderr);
    assert_eq!(ended.stdout, "");
    let text = std::fs::read_to_string(&path).expect("a file");
    assert_eq!(text, "an earlier result");
}
