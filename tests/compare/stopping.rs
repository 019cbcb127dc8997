//! A comparison that is stopped in the middle prints the results so far.

use poll_vs_sse_instrument::Report;

use crate::support::program::{Program, command};

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
fn a_stop_before_the_first_result_is_reported() {
    let args = [
        "compare",
        "--rate",
        "0.01",
        "--interval",
        "10m",
        "--transports",
        "poll",
    ];
    let mut program = Program::start(command(&args));
    program.wait_until("the warm-up", |program| {
        program.stderr.text().contains("warming up").then_some(())
    });
    program.signal(libc::SIGINT);
    let ended = program.wait();
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    let nothing = ended
        .stdout
        .contains("nothing was due while it was measured")
        || ended
            .stderr
            .contains("stopped before there was anything to measure");
    assert!(nothing, "{} {}", ended.stdout, ended.stderr);
}
