//! One message log, which is served in two ways at once, and the cost of each way.
//!
//! ```text
//! POST /messages ──> publish ──> log ──┬──> poll    GET /poll     (interval; long-poll with ?wait)
//!                                      └──> stream  GET /stream   (SSE)
//! every request and byte ──> ledger ──> log lines, /ledger, /metrics, the lab
//! ```
//!
//! The log holds all messages; a room's notification only says that there are more. A poll is one read after a
//! cursor. A stream is the same read in a loop that waits for notifications. There is no queue per client, so a slow
//! reader only has an older cursor.
//!
//! Where to look: [`log`] has the messages, [`delivery`] decides what readers get, [`http`] has the routes,
//! [`ledger`] counts, [`net`] has the connections, and [`lifecycle`] puts the parts together.

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
mod named_file;
pub mod net;
pub mod presence;
