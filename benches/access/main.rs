//! The cost of tokens and limits, and the savings of caches in front of the server.
//! `cargo bench --bench access -- --help` lists the flags.

// On Linux, `suite` is the program. With the path attribute, the suite's modules are found next to this file.
#[cfg_attr(target_os = "linux", path = "suite.rs")]
#[cfg_attr(not(target_os = "linux"), path = "../harness/not_linux.rs")]
mod suite;

fn main() -> std::process::ExitCode {
    suite::main()
}
