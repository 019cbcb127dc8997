//! Whole servers compared with a baseline: CPU per delivery and per empty poll, and memory per idle subscriber.
//! `cargo bench --bench servers -- --help` lists the flags.

// On Linux, `suite` is the program. With the path attribute, the suite's modules are found next to this file.
#[cfg_attr(target_os = "linux", path = "suite.rs")]
#[cfg_attr(not(target_os = "linux"), path = "../harness/not_linux.rs")]
mod suite;

fn main() -> std::process::ExitCode {
    suite::main()
}
