//! The program of a bench on systems other than Linux. The benches read a server's usage through interfaces that only
//! Linux has (another process's CPU clock, `smaps_rollup`, epoll), so this prints a notice and exits successfully.

use std::process::ExitCode;

pub fn main() -> ExitCode {
    let name = env!("CARGO_CRATE_NAME");
    println!("{name}: needs Linux; nothing was measured");
    ExitCode::SUCCESS
}
