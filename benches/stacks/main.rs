//! The cost of polling and Server-Sent Events on common web stacks. `cargo bench --bench stacks -- --help` lists the
//! flags, `README.md` describes the measurements.

// On Linux, `suite` is the program. With the path attribute, the suite's modules are found next to this file.
#[cfg_attr(target_os = "linux", path = "suite.rs")]
#[cfg_attr(not(target_os = "linux"), path = "../harness/not_linux.rs")]
mod suite;

fn main() -> std::process::ExitCode {
    suite::main()
}
