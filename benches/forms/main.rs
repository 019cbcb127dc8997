//! The cost of an empty poll, a delivery and an idle subscriber over each form of HTTP, with request heads and cookies
//! of several sizes. `cargo bench --bench forms -- --help` lists the flags.

// On Linux, `suite` is the program. With the path attribute, the suite's modules are found next to this file.
#[cfg_attr(target_os = "linux", path = "suite.rs")]
#[cfg_attr(not(target_os = "linux"), path = "../harness/not_linux.rs")]
mod suite;

fn main() -> std::process::ExitCode {
    suite::main()
}
