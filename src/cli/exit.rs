//! How the program ends: its exit codes, and the one line that says why.

use std::process::ExitCode;

/// It ran, and something went wrong.
pub const FAILED: u8 = 1;
/// What could not even start: a bad flag, store, address, target or profile. Trying again does not
/// help, but where NATS comes later.
pub const USAGE_ERROR: u8 = 2;

/// Says why on one line of standard error.
pub fn fail(why: &str, code: u8) -> ExitCode {
    let line = why.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    eprintln!("poll-vs-sse: {line}");
    ExitCode::from(code)
}
