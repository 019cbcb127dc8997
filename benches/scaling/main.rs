//! What grows: readers that stop reading, rooms, rooms of one reader, servers on one NATS, and a log of ten million
//! messages.
//! `cargo bench --bench scaling -- --help` lists the flags.

// On Linux, `suite` is the program. The attribute also makes the suite's own modules resolve beside this file.
#[cfg_attr(target_os = "linux", path = "suite.rs")]
#[cfg_attr(not(target_os = "linux"), path = "../harness/not_linux.rs")]
mod suite;

fn main() -> std::process::ExitCode {
    suite::main()
}
