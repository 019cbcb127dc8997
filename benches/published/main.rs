//! The scenario of Van de Vyvere, Colpaert and Verborgh, "Comparing a polling and push-based approach for
//! live Open Data interfaces" (2020), on this server: a document of 5.2 kB that changes every 5 s, pollers
//! that pause 500 ms after each answer, with and without a cache in front, and SSE, on one core.
//! `cargo bench --bench published -- --help` lists the flags.

// On Linux, `suite` is the program. With the path attribute, the suite's modules are found next to this file.
#[cfg_attr(target_os = "linux", path = "suite.rs")]
#[cfg_attr(not(target_os = "linux"), path = "../harness/not_linux.rs")]
mod suite;

fn main() -> std::process::ExitCode {
    suite::main()
}
