//! The matrix: poll, long-poll and SSE over clients, message rate and polling interval, beside nchan and a
//! bare write loop. `cargo bench --bench compare -- --help` lists the flags.

// On Linux, `suite` is the program. The attribute also makes the suite's own modules resolve beside this file.
#[cfg_attr(target_os = "linux", path = "suite.rs")]
#[cfg_attr(not(target_os = "linux"), path = "../harness/not_linux.rs")]
mod suite;

fn main() -> std::process::ExitCode {
    suite::main()
}
