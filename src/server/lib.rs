//! One message log, served two ways at once, and what each way cost.
//!
//! ```text
//! POST /messages ──> publish ──> log ──┬──> poll    GET /poll     (interval; long-poll with ?wait)
//!                                      └──> stream  GET /stream   (SSE)
//! every request and byte ──> ledger ──> log lines, /ledger, /metrics, the lab
//! ```
//!
//! The log is the truth; a room's notification only says that there is more. A poll is one read after
//! a cursor. A stream is the same read in a loop that waits for notifications. There is no queue per
//! client, so a slow reader only has an older cursor.
//!
//! Where to look: [`log`] for the messages, [`delivery`] for what readers get of them, [`http`] for
//! the routes, [`ledger`] for the counting, [`net`] for connections, [`lifecycle`] for what holds it
//! together.

pub mod access;
pub mod config;
pub mod delivery;
pub mod domain;
mod fastpath;
mod faults;
pub mod http;
pub mod http2;
pub mod ledger;
pub mod lifecycle;
pub mod limits;
pub mod log;
pub mod net;
pub mod presence;
