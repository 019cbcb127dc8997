//! Runs `check`, and finds what it says.

use poll_vs_sse_instrument::check::{
    CheckReport,
    findings::{Finding, Name},
};

use super::program::{Exit, Program, command};

pub fn check(url: &str, more: &[&str]) -> Exit {
    let patience = ["--patience", "9s"];
    let patience = if more.contains(&"--patience") {
        &[][..]
    } else {
        &patience
    };
    let args = [&["check", url], patience, more].concat();
    Program::start(command(&args)).wait()
}

/// What was found at `url`.
pub fn findings(url: &str, more: &[&str]) -> (Option<i32>, CheckReport) {
    let ended = check(url, &[&["--json"], more].concat());
    let report: Result<CheckReport, _> = serde_json::from_str(&ended.stdout);
    (ended.code, report.unwrap_or_else(|_| panic!("{ended:?}")))
}

pub fn of(report: &CheckReport, name: Name) -> &Finding {
    let mut all = report.findings.iter();
    all.find(|one| one.name == name)
        .unwrap_or_else(|| panic!("{report:?}"))
}
