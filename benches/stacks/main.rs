//! What polling and Server-Sent Events cost on the stacks people run. `cargo bench --bench stacks -- --help` lists
//! the flags, `README.md` says what is measured.

// On Linux, `suite` is the program. The attribute also makes the suite's own modules resolve beside this file.
#[cfg_attr(target_os = "linux", path = "suite.rs")]
#[cfg_attr(not(target_os = "linux"), path = "../harness/not_linux.rs")]
mod suite;

fn main() -> std::process::ExitCode {
    suite::main()
}
