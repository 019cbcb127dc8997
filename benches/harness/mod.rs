//! Shared by the benches that start whole servers: servers as separate processes, sides that take turns, loads, and the
//! provenance of a run. Linux only.

// Each bench uses only a part of this, and the imports of unit tests are unused without a test harness.
#![allow(dead_code, unused_imports)]

pub mod audit_check;
pub mod baseline_server;
pub mod certificate;
pub mod epoll;
pub mod fan_out;
pub mod fill;
pub mod frame;
pub mod history;
pub mod http;
pub mod machine;
pub mod nginx;
pub mod peers;
pub mod pollers;
pub mod polling_side;
pub mod process;
pub mod program;
#[path = "../report/mod.rs"]
pub mod report;
pub mod rounds;
pub mod servers;
pub mod sse;
pub mod subscribers;
pub mod temporary_directory;
pub mod usage;
