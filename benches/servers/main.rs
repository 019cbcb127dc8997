//! Whole servers against their floors: what a delivery and an empty poll cost in CPU, and what an
//! idle subscriber costs in memory. `cargo bench --bench servers -- --help` lists the flags.

// On Linux, `suite` is the program. The attribute also makes the suite's own modules resolve beside this file.
#[cfg_attr(target_os = "linux", path = "suite.rs")]
#[cfg_attr(not(target_os = "linux"), path = "../harness/not_linux.rs")]
mod suite;

fn main() -> std::process::ExitCode {
    suite::main()
}
