//! What polling and Server-Sent Events cost on the stacks people run. `cargo bench --bench stacks -- --help` lists
//! the flags, `README.md` says what is measured.
//!
//! Only the platform gate lives here; `suite` is the program. Figures come from Linux interfaces.

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
    println!("stacks: measures through Linux interfaces only; nothing was measured here");
}
