//! Whole servers against their floors: what a delivery and an empty poll cost in CPU, and what an
//! idle subscriber costs in memory. `cargo bench --bench servers -- --help` lists the flags.
//!
//! Only the platform gate lives here; `suite` is the program. Every figure comes from a Linux
//! interface (another process's CPU clock, `smaps_rollup`, epoll), so elsewhere this says so and
//! ends well.

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
    println!("servers: measures through Linux interfaces only; nothing was measured here");
}
