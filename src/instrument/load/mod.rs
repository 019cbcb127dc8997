//! The load on a server: clients, one task each, and the publisher.
//!
//! ```text
//! publisher ──> publish_connection   threads: each message when it is due
//! client ──┬──> poll_client          poll, long-poll
//!          └──> sse_client           SSE
//! ```
//!
//! They use the instrument's HTTP client (`crate::http`).

pub mod client;
pub mod poll_client;
pub mod publish_connection;
pub mod publisher;
pub mod sse_client;

use std::time::Duration;

/// How long an answer may take, in addition to the requested wait.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);
/// The pause between a failure and the next try, so that clients do not send requests to a failing server in a tight
/// loop.
const PAUSE: Duration = Duration::from_millis(500);
