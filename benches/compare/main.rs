//! The matrix: poll, long-poll and SSE over clients, message rate and polling interval, beside nchan and a
//! bare write loop. `cargo bench --bench compare -- --help` lists the flags.
//!
//! Only the platform gate lives here; `suite` is the program. What a server uses is read through Linux
//! interfaces, so elsewhere this says so and ends well.

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
    println!("compare: measures through Linux interfaces only; nothing was measured here");
}
