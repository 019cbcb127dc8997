//! At the limit: what a waiting reader holds, what a herd costs and leaves behind, and deliveries, rooms, durable
//! publishing and catching up beside the least there can be. `cargo bench --bench limits -- --help` lists the flags.

// The attribute also makes the suite's own modules resolve beside this file.
#[cfg(target_os = "linux")]
#[path = "suite.rs"]
mod suite;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    suite::main()
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("limits: measures through Linux interfaces only; nothing was measured here");
}
