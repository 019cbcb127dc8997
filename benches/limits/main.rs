//! At the limit: what a waiting reader holds, what a herd costs and leaves behind, and deliveries, rooms, durable
//! publishing and catching up beside the least there can be. `cargo bench --bench limits -- --help` lists the flags.

// On Linux, `suite` is the program. The attribute also makes the suite's own modules resolve beside this file.
#[cfg_attr(target_os = "linux", path = "suite.rs")]
#[cfg_attr(not(target_os = "linux"), path = "../harness/not_linux.rs")]
mod suite;

fn main() -> std::process::ExitCode {
    suite::main()
}
