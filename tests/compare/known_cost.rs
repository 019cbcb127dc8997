//! The measured CPU time is correct for a server that burns a known amount for each poll and records it.
//!
//! The server must be a separate process, because its CPU time is read from outside. So this test binary starts itself
//! again.

use std::{
    io::Write as _,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use poll_vs_sse_instrument::{Profile, Target, Transport, Workload};
use serde::{Deserialize, Serialize};

use crate::support::{
    log_server::{self, Behaviour},
    program::Program,
    run,
};

const AS_SERVER: &str = "COMPARE_TEST_SERVER";
const COST: Duration = Duration::from_millis(2);
/// The tolerance of the measured time.
const SHARE: f64 = 0.02;
/// The runs whose median must be within it. On a busy machine a late reading makes one of them wrong.
const RUNS: usize = 5;

/// The server's record, with times of the machine's monotonic clock in nanoseconds.
#[derive(Default, Serialize, Deserialize)]
struct CostRecord {
    /// The time after each poll, and the process's CPU time so far.
    polls: Vec<(u64, u64)>,
    published: Vec<u64>,
}

fn clock(id: libc::clockid_t) -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is there to be written to.
    let result = unsafe { libc::clock_gettime(id, &raw mut time) };
    assert_eq!(result, 0, "a clock");
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Not a test but the server. It does nothing unless the test below starts it.
#[test]
#[ignore = "the server of the test below"]
fn server() {
    if std::env::var_os(AS_SERVER).is_none() {
        return;
    }
    let notes = Arc::new(Mutex::new(CostRecord::default()));
    let (of_polls, of_messages) = (notes.clone(), notes.clone());
    let behaviour = Behaviour {
        work: Arc::new(move || {
            let begin = clock(libc::CLOCK_THREAD_CPUTIME_ID);
            while clock(libc::CLOCK_THREAD_CPUTIME_ID) - begin < COST.as_nanos() as u64 {}
            let mut notes = of_polls.lock().expect("whole");
            let cpu = clock(libc::CLOCK_PROCESS_CPUTIME_ID);
            notes.polls.push((clock(libc::CLOCK_MONOTONIC), cpu));
        }),
        published: Arc::new(move || {
            let now = clock(libc::CLOCK_MONOTONIC);
            of_messages.lock().expect("whole").published.push(now);
        }),
        ..Behaviour::default()
    };
    let server = log_server::start(behaviour);
    println!("listening on {} .", server.addr);
    // Standard input ends when the process that started this one ends.
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).expect("read");
    let notes = notes.lock().expect("whole");
    println!("notes {}", serde_json::to_string(&*notes).expect("JSON"));
    std::io::stdout().flush().expect("written");
}

#[test]
fn cpu_time_is_measured_within_two_percent() {
    let mut off: Vec<f64> = Vec::new();
    // If most runs are within it, so is the median, whatever the others give.
    while off.len() < RUNS && off.iter().filter(|off| off.abs() < SHARE).count() <= RUNS / 2 {
        let (measured, own) = measure_cost();
        off.push(measured / own - 1.0);
    }
    off.sort_by(f64::total_cmp);
    let median = off[off.len() / 2];
    assert!(
        median.abs() < SHARE,
        "the measured CPU time was off by {off:?}"
    );
}

/// CPU seconds of one run, by the instrument and by the server's own record.
fn measure_cost() -> (f64, f64) {
    let mut command = Command::new(std::env::current_exe().expect("this test"));
    command
        .args(["--exact", "known_cost::server", "--ignored", "--nocapture"])
        .env(AS_SERVER, "1");
    let mut server = Program::start_with(command, Stdio::piped());
    let mut addr = None;
    server.wait_until("it listens", |server| {
        let text = server.stdout.text();
        let (_, rest) = text.split_once("listening on ")?;
        addr = rest.split_once(' ')?.0.parse::<std::net::SocketAddr>().ok();
        addr.map(|_| ())
    });
    let url = format!("http://{}", addr.expect("an address"));
    let profile = Profile::parse(log_server::PROFILE).expect("sound");
    let target = Target::remote(&url, profile, Some(server.pid())).expect("a target");
    let workload = Workload {
        clients: 10,
        rate: 10.0,
        interval: Duration::from_millis(100),
        duration: Duration::from_secs(6),
        ..Workload::default()
    };
    let outcome = run(&target, &workload, Transport::Poll);
    assert!(outcome.is_valid(), "{outcome:?}");

    server.write_line("the end");
    let ended = server.wait();
    let line = ended.stdout.split_once("notes ").expect("notes").1;
    let notes: CostRecord =
        serde_json::from_str(line.lines().next().expect("a line")).expect("JSON");
    let (own, polls) = recorded_cost(&notes, &workload);
    // Checks that the burnt time is nearly all of the server's CPU time.
    let burnt = polls * COST.as_secs_f64();
    assert!(
        own >= burnt && own < burnt * 1.5,
        "{own} s, of which {burnt} s were burnt"
    );
    (outcome.server_cpu_s.expect("known"), own)
}

/// CPU seconds and polls within the measured time, by the server's own record.
fn recorded_cost(notes: &CostRecord, workload: &Workload) -> (f64, f64) {
    let period = 1e9 / workload.rate;
    let warming = workload.warm_up(Transport::Poll).as_secs_f64() * workload.rate;
    // Message n is due in the middle of its period and never published before, so the earliest of all estimates of the
    // start is the best.
    let starts = notes.published.iter().zip(0u32..);
    let start = starts
        .map(|(at, number)| *at as f64 - (f64::from(number) - warming + 0.5) * period)
        .fold(f64::INFINITY, f64::min);
    let end = start + workload.measured().as_secs_f64() * 1e9;
    let (cpu_before, polls_before) = record_at(&notes.polls, start);
    let (cpu_after, polls_after) = record_at(&notes.polls, end);
    ((cpu_after - cpu_before) / 1e9, polls_after - polls_before)
}

/// CPU time and polls up to `time`, interpolated between two entries of the record.
fn record_at(notes: &[(u64, u64)], time: f64) -> (f64, f64) {
    let next = notes.partition_point(|(at, _)| (*at as f64) < time);
    let ((from, cpu), (to, then)) = (notes[next - 1], notes[next]);
    let share = (time - from as f64) / (to - from) as f64;
    (
        cpu as f64 + share * (then - cpu) as f64,
        next as f64 + share,
    )
}
