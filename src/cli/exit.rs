//! How the program ends: its exit codes, and the one line that says why.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

/// The command ran, and something went wrong.
pub const FAILED: u8 = 1;
/// The command could not start (a bad flag, store, address, target or profile), or could not write its output.
/// Trying again does not help, unless the store was only away.
pub const USAGE_ERROR: u8 = 2;

/// Says why on one line of standard error.
pub fn fail(why: &str, code: u8) -> ExitCode {
    let line = why.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    // If the line cannot be written, the exit code still reports the failure.
    let _ = writeln!(io::stderr(), "poll-vs-sse: {line}");
    ExitCode::from(code)
}
