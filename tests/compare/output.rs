//! Any output that cannot be written is an error.

use std::{
    fs::OpenOptions,
    process::{Command, Stdio},
};

use crate::support::program::Program;

const PROGRAM: &str = env!("CARGO_BIN_EXE_poll-vs-sse");

/// Exit code and standard error of the program, whose standard output is a full disk.
fn run_on_full_disk(args: &[&str]) -> (Option<i32>, String) {
    let full = OpenOptions::new().write(true).open("/dev/full");
    let ended = Command::new(PROGRAM)
        .args(args)
        .stdout(full.expect("/dev/full exists on Linux"))
        .stderr(Stdio::piped())
        .output()
        .expect("runs");
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    (ended.status.code(), said)
}

#[test]
fn a_plan_that_cannot_be_printed_is_an_error() {
    for flags in [&["plan"][..], &["plan", "--json"]] {
        let (code, said) = run_on_full_disk(flags);
        assert_eq!(code, Some(2), "{flags:?}: {said}");
        assert!(said.contains("cannot write the plan"), "{said}");
    }
}

#[test]
fn a_comparison_that_cannot_be_printed_is_an_error() {
    let flags = "compare --transports poll --clients 2 --rate 5 --interval 100ms --duration 1s";
    let flags: Vec<&str> = flags.split(' ').collect();
    let (code, said) = run_on_full_disk(&flags);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("cannot print the result"), "{said}");
    let (code, said) = run_on_full_disk(&[&flags[..], &["--json", "-"]].concat());
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("cannot write standard output"), "{said}");
}

#[test]
fn a_check_whose_reader_has_gone_is_no_error() {
    let (_server, addr) = Program::serve();
    let url = format!("http://{addr}");
    let mut check = Command::new(PROGRAM)
        .args(["check", &url, "--patience", "1s"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    drop(check.stdout.take());
    let ended = check.wait_with_output().expect("ends");
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
}
