//! The matrix: poll, long-poll and SSE by clients, message rate and polling interval, compared with nchan and a
//! bare write loop. `cargo bench --bench compare -- --help` lists the flags.

// On Linux, `suite` is the program. With the path attribute, the suite's modules are found next to this file.
#[cfg_attr(target_os = "linux", path = "suite.rs")]
#[cfg_attr(not(target_os = "linux"), path = "../harness/not_linux.rs")]
mod suite;

fn main() -> std::process::ExitCode {
    suite::main()
}
