//! The server at its limits: the memory of a waiting reader, the cost and the remaining memory of a herd, and
//! deliveries, rooms, durable publishing and catching up compared with the least possible work.
//! `cargo bench --bench limits -- --help` lists the flags.

// On Linux, `suite` is the program. With the path attribute, the suite's modules are found next to this file.
#[cfg_attr(target_os = "linux", path = "suite.rs")]
#[cfg_attr(not(target_os = "linux"), path = "../harness/not_linux.rs")]
mod suite;

fn main() -> std::process::ExitCode {
    suite::main()
}
