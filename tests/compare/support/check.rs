//! Runs `check`, and parses its report.

use poll_vs_sse_instrument::check::{
    CheckReport,
    findings::{Finding, FindingName},
};

use super::program::{Exit, Program, command};

pub fn run_check(url: &str, more: &[&str]) -> Exit {
    let patience = ["--patience", "9s"];
    let patience = if more.contains(&"--patience") {
        &[][..]
    } else {
        &patience
    };
    let args = [&["check", url], patience, more].concat();
    Program::start(command(&args)).wait()
}

/// The exit code and the report of `check` at `url`.
pub fn findings(url: &str, more: &[&str]) -> (Option<i32>, CheckReport) {
    let ended = run_check(url, &[&["--json"], more].concat());
    let report: Result<CheckReport, _> = serde_json::from_str(&ended.stdout);
    (ended.code, report.unwrap_or_else(|_| panic!("{ended:?}")))
}

/// The finding of that name.
pub fn finding(report: &CheckReport, name: FindingName) -> &Finding {
    let mut all = report.findings.iter();
    all.find(|one| one.name == name)
        .unwrap_or_else(|| panic!("{report:?}"))
}
