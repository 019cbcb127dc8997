//! Invalid input: one clear sentence that says what to change, exit code 2, and no file.

use std::{
    net::{SocketAddr, TcpListener},
    process::Command,
    sync::Arc,
};

use crate::support::{
    http::{Server, send_answer},
    program::{Exit, Program, command},
};

/// A short workload, in case it is measured by mistake.
const QUICK: [&str; 6] = ["--clients", "5", "--duration", "1s", "--interval", "100ms"];

/// Runs `compare` with `args` and both output files, and checks that it behaves as the module's first sentence says.
fn assert_refused(args: &[&str], words: &[&str]) {
    assert_refused_as(args, words, |command| command);
}

fn assert_refused_as(args: &[&str], words: &[&str], change: impl FnOnce(Command) -> Command) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name).display().to_string();
    let (json, report) = (path("out.json"), path("out.html"));
    let files = ["--json", &json, "--report", &report];
    let all = [&["compare"], args, &files, &QUICK].concat();
    // The first value of a flag is used, so that `args` override the defaults.
    let mut seen = Vec::new();
    let mut kept = vec!["compare"];
    for pair in all[1..].chunks(2) {
        if !seen.contains(&pair[0]) {
            seen.push(pair[0]);
            kept.extend(pair);
        }
    }
    let ended = Program::start(change(command(&kept))).wait();
    assert_sentence(&ended, words);
    let left = std::fs::read_dir(directory.path()).expect("a directory");
    assert_eq!(left.count(), 0, "no half-written file: {args:?}");
}

fn assert_sentence(ended: &Exit, words: &[&str]) {
    assert_eq!(ended.code, Some(2), "{} {}", ended.stdout, ended.stderr);
    assert_eq!(ended.stdout, "");
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    for word in words {
        assert!(ended.stderr.contains(word), "{word}: {}", ended.stderr);
    }
}

#[test]
fn files_of_one_name_are_refused() {
    for pair in [["--json", "--report"], ["--json", "--calibrate"]] {
        let [one, other] = pair;
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("out").display().to_string();
        let refused = Program::start(command(&["compare", one, &file, other, &file])).wait();
        assert_sentence(&refused, &[one, other, "same file"]);
    }
}

#[test]
fn values_out_of_range_are_refused() {
    for (flag, value, words) in [
        ("--clients", "0", "from 1 to 100,000"),
        ("--clients", "many", "--clients"),
        ("--rate", "0", "from 0.01 to 10000"),
        ("--rate", "NaN", "--rate"),
        ("--interval", "soon", "such as"),
        ("--interval", "-1s", "such as"),
        ("--cookie", "-4k", "0 or more"),
        ("--interval", "1ms", "from 10ms to 10m"),
        ("--duration", "2h", "from 1s to 1h"),
        ("--wait", "2m", "from 1s to 1m"),
        ("--size", "8", "--size must be from 32"),
        ("--repeat", "0", "from 1 to 100"),
        ("--transports", "carrier-pigeon", "--transports"),
        ("--transports", "poll,poll", "twice"),
        ("--pid", "0", "--pid"),
        ("--pid", "4711", "add --target URL"),
        ("--profile", "nchan", "add --target URL"),
        ("--target", "ftp://x", "http://"),
        ("--target", "x:80", "https://"),
        ("--rooms", "101", "--rooms must not be more than --clients"),
        ("--stalled", "10001", "from 0 to 10,000"),
        ("--scenario", "flood", "--scenario"),
        ("--vanish", "10001", "from 0 to 10,000"),
        ("--restart-command", "true", "without"),
        ("--clients", "20000", "--yes-load-test-this"),
        (
            "--stalled",
            "9996",
            "--stalled and --vanish in all needs --yes-load-test-this",
        ),
        ("--rate", "2000", "--yes-load-test-this"),
        ("--duration", "11m", "--yes-load-test-this"),
    ] {
        assert_refused(&[flag, value], &[words]);
    }
}

#[test]
fn values_of_variables_that_are_refused_name_the_variable() {
    let refused = |args: &[&str], variable: &str, value: &str, words: &[&str]| {
        let mut command = command(args);
        command.env(variable, value);
        assert_sentence(&Program::start(command).wait(), words);
    };
    let from = |variable: &str| format!("from the environment variable {variable})");
    for (args, name, value, words) in [
        (&["compare"][..], "RATE", "99999", "--rate must be from"),
        (&["compare"], "COMPARE_TLS", "maybe", "--tls"),
        (
            &["compare", "--target", "http://127.0.0.1:9"],
            "COMPARE_TLS",
            "yes",
            "--tls is for `self`",
        ),
        (&["plan"], "RATE", "99999", "--rate must be"),
        (&["plan"], "PLAN_JSON", "maybe", "--json"),
        (
            &["check", "http://127.0.0.1:9"],
            "PATIENCE",
            "2h",
            "--patience must be",
        ),
    ] {
        let variable = format!("POLL_VS_SSE_{name}");
        refused(args, &variable, value, &[words, &from(&variable)]);
    }
}

#[test]
fn two_spellings_of_one_new_file_are_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut refused = command(&["compare", "--json", "out", "--report", "./out"]);
    refused.current_dir(directory.path());
    let ended = Program::start(refused).wait();
    assert_sentence(&ended, &["--json", "--report", "same file"]);
}

#[test]
fn the_parent_of_the_program_is_not_measured_as_the_server() {
    let pid = std::process::id().to_string();
    assert_refused(
        &["--target", "http://127.0.0.1:9", "--pid", &pid],
        &["also started this program", "--pid"],
    );
}

#[test]
fn new_connections_without_polls_are_refused() {
    let flags = ["compare", "--new-connections", "--transports", "stream"];
    let ended = Program::start(command(&flags)).wait();
    assert_sentence(&ended, &["--new-connections is for polls"]);
}

#[test]
fn a_server_elsewhere_is_not_put_under_load_without_consent() {
    // An address that is reserved for documentation (RFC 5737).
    assert_refused(
        &["--target", "http://192.0.2.1"],
        &["not on this machine", "--yes-load-test-this"],
    );
}

#[test]
fn a_file_that_cannot_be_written_is_found_before_the_run() {
    assert_refused(
        &["--json", "/nowhere/out.json"],
        &["--json /nowhere/out.json"],
    );
    assert_refused(&["--report", "/"], &["--report /", "directory"]);
}

#[test]
fn an_unreachable_target_is_named() {
    let port = {
        let gone = TcpListener::bind("127.0.0.1:0").expect("a port");
        gone.local_addr().expect("an address").port()
    };
    let url = format!("http://127.0.0.1:{port}");
    assert_refused(
        &["--target", &url],
        &["cannot reach", &url, "correct --target"],
    );
    assert_refused(
        &["--target", "http://no-such-host.invalid"],
        &["no-such-host.invalid", "--target"],
    );
}

#[test]
fn a_missing_process_is_named() {
    let (_server, addr) = Program::serve();
    let url = format!("http://{addr}");
    assert_refused(
        &["--target", &url, "--pid", "4194304"],
        &["no process 4194304", "--pid"],
    );
}

/// Runs against our server with its own profile, in which `from` is replaced by `to`.
fn assert_profile_refused(addr: SocketAddr, from: &str, to: &str, more: &[&str], words: &[&str]) {
    let own = include_str!("../../src/instrument/target/profiles/poll-vs-sse.toml");
    assert!(own.contains(from), "{from}");
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("profile.toml");
    std::fs::write(&path, own.replacen(from, to, 1)).expect("written");
    let (url, path) = (format!("http://{addr}"), path.display().to_string());
    let args = [&["--target", &url, "--profile", &path], more].concat();
    assert_refused(&args, words);
}

#[test]
fn a_profile_that_does_not_match_is_detected_from_the_first_answers() {
    let (_server, addr) = Program::serve();
    for (from, to, words) in [
        (
            "\"/messages\"",
            "\"/publish\"",
            &["publish", "404", "[publish]"][..],
        ),
        (
            "path = \"/poll?room={room}\"",
            "path = \"/pull?room={room}\"",
            &["404", "[poll]"],
        ),
        (
            "json:cursor",
            "json:next",
            &["no json:next", "cursor of [poll]"],
        ),
        (
            "query:cursor",
            "query:since",
            &["same message again", "cursor of [poll]"],
        ),
    ] {
        assert_profile_refused(addr, from, to, &["--transports", "poll"], words);
    }
    for (from, to, words) in [
        (
            "path = \"/stream?",
            "path = \"/events?",
            &["404", "[stream]"][..],
        ),
        (
            "path = \"/stream?room={room}",
            "path = \"/stream?room=other",
            &["does not bring", "[stream]"],
        ),
    ] {
        assert_profile_refused(addr, from, to, &["--transports", "stream"], words);
    }
    assert_profile_refused(addr, "[stream]", "[sse]", &[], &["sse", "line"]);
}

#[test]
fn an_unknown_profile_is_named_with_the_existing_ones() {
    assert_refused(
        &["--target", "http://127.0.0.1:9", "--profile", "mercury"],
        &["mercury", "poll-vs-sse, nchan, ntfy"],
    );
    assert_refused(
        &[
            "--target",
            "http://127.0.0.1:9",
            "--profile",
            "ntfy",
            "--transports",
            "long-poll",
        ],
        &["no [long-poll]", "--transports"],
    );
}

#[test]
fn a_failing_server_is_distinguished_from_a_profile_that_does_not_match() {
    let broken = Server::start(Arc::new(|_, stream| {
        send_answer(stream, "500 Internal Server Error", "")
    }));
    assert_refused(
        &["--target", &broken.url()],
        &["answered 500", "server's log"],
    );
    let silent = Server::start(Arc::new(|_, _| Err(std::io::ErrorKind::Other.into())));
    assert_refused(
        &["--target", &silent.url()],
        &["without an answer", "--profile"],
    );
}

#[test]
fn a_server_that_never_answers_is_not_blamed_on_the_profile() {
    // The kernel accepts connections, but nothing reads from them.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    assert_refused(
        &["--target", &url],
        &["does not answer", "correct --target"],
    );
}

#[test]
fn a_profile_without_a_transport_is_named() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("mute.toml");
    let profile = "name = \"mute\"\n[publish]\npath = \"/\"\nbody = \"{text}\"\n";
    std::fs::write(&path, profile).expect("written");
    let path = path.display().to_string();
    assert_refused(
        &["--target", "http://127.0.0.1:9", "--profile", &path],
        &["profile mute", "[poll], [long-poll] or [stream]"],
    );
}

#[test]
fn a_workload_is_refused_if_it_would_be_ignored() {
    for (flag, value) in [("--clients", "4"), ("--rate", "2"), ("--interval", "1s")] {
        let refused = command(&["compare", "--calibrate", "/nowhere", flag, value]);
        assert_sentence(&Program::start(refused).wait(), &["--calibrate", flag]);
    }
}

#[test]
fn more_clients_than_descriptors_are_refused_with_the_possible_number() {
    let refused = |descriptors: u32, words: &[&str]| {
        assert_refused_as(&["--clients", "2000"], words, |command| {
            let mut limited = Command::new("sh");
            let script = format!("ulimit -n {descriptors}; exec \"$0\" \"$@\"");
            limited.args(["-c", &script]);
            limited.arg(command.get_program()).args(command.get_args());
            limited
        });
    };
    refused(
        1000,
        &[
            "2,000 clients",
            "1,000 a process may have",
            "ask for at most 744 with --clients, --stalled",
        ],
    );
    refused(100, &["too few for any client", "above 256"]);
}
