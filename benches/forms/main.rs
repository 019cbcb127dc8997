//! What a head costs: an empty poll, a delivery and an idle subscriber over each form of HTTP, with heads and cookies of
//! several sizes. `cargo bench --bench forms -- --help` lists the flags.

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
    println!("forms: measures through Linux interfaces only; nothing was measured here");
}
