//! What stands between a reader and its messages: tokens and limits, and caches in front of the server.
//! `cargo bench --bench access -- --help` lists the flags.

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
    println!("access: measures through Linux interfaces only; nothing was measured here");
}
