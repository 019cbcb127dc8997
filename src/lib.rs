//! One message log, served two ways at once, and what each way cost.
//!
//! ```text
//! POST /messages ──> publish ──> log ──┬──> poll    GET /poll     (interval; long-poll with ?wait)
//!                                      └──> stream  GET /stream   (SSE)
//! every request and byte ──> ledger ──> log lines, /ledger, /metrics, the lab
//! ```
//!
//! The log is the truth; a room's bell only says that there is more. A poll is one read after a
//! cursor. A stream is the same read in a loop that waits on the bell. There is no queue per
//! client, so a slow reader only has an older cursor.
//!
//! Where to look: [`log`] for the messages, [`transport`] for the ways to them, [`publish`] for the
//! way in, [`ledger`] for the counting, [`server`] for what holds it together.

mod body;
pub mod cli;
mod columns;
pub mod compare;
pub mod config;
pub mod cursor;
mod drain;
pub mod error;
pub mod exit;
mod faults;
mod lab;
pub mod ledger;
pub mod log;
pub mod message;
pub mod numbers;
mod opening;
pub mod plan;
pub mod presence;
mod publish;
mod routes;
pub mod serve;
pub mod server;
pub mod transport;
mod waiting;
