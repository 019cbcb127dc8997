//! Settings of our server that are not measured: page sizes, intervals, limits. Both the server and the model use
//! these constants, so that they cannot differ. `docs/api.md` lists those that clients see.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Messages in one answer to a poll, unless the request asks for another `limit`.
pub const PAGE_MESSAGES: usize = 200;
/// The largest answer to a poll, bytes of messages.
pub const PAGE_BYTES: usize = 512 * 1024;
/// A stream that has sent nothing for this long sends [`KEEP_ALIVE_COMMENT`].
pub const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);
pub const KEEP_ALIVE_COMMENT: &str = ": keep-alive\n\n";
/// The server closes a connection that is idle for this long between two requests. It is longer than usual polling
/// intervals, so that polls share a connection, and longer than the longest wait of a long-poll.
pub const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(75);
/// Memory for recent messages over all rooms.
pub const TAIL_BYTES: usize = 24 * 1024 * 1024;
/// The size of one write of a poll's answer.
pub const WRITE_BYTES: usize = 16 * 1024;

/// The same limits as numbers. A model file contains those of the measured server.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ServerLimits {
    pub page_messages: f64,
    pub page_bytes: f64,
    pub keep_alive_s: f64,
    pub keep_alive_bytes: f64,
    /// An idle connection is closed after this many seconds.
    pub idle_s: f64,
    pub tail_bytes: f64,
    pub write_bytes: f64,
}

impl ServerLimits {
    /// The limits of our server.
    pub const OWN: Self = Self {
        page_messages: PAGE_MESSAGES as f64,
        page_bytes: PAGE_BYTES as f64,
        keep_alive_s: KEEP_ALIVE_INTERVAL.as_secs() as f64,
        keep_alive_bytes: KEEP_ALIVE_COMMENT.len() as f64,
        idle_s: KEEP_ALIVE_TIMEOUT.as_secs() as f64,
        tail_bytes: TAIL_BYTES as f64,
        write_bytes: WRITE_BYTES as f64,
    };

    /// The most messages of `message_bytes` each in one answer to a poll.
    pub fn messages_per_page(&self, message_bytes: f64) -> f64 {
        let fit = (self.page_bytes / message_bytes).floor();
        self.page_messages.min(fit).max(1.0)
    }
}
