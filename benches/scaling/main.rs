//! What grows: readers that stop reading, rooms, rooms of one reader, servers on one NATS, and a log of ten million
//! messages.
//! `cargo bench --bench scaling -- --help` lists the flags.

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
    println!("growth: measures through Linux interfaces only; nothing was measured here");
}
