//! What Chromium announces when it opens a connection of HTTP/2. Its windows hold nothing up.

pub const STREAM_WINDOW_BYTES: u32 = 6 * 1024 * 1024;
pub const CONNECTION_WINDOW_BYTES: u32 = 15 * 1024 * 1024;
pub const HEADER_TABLE_BYTES: u32 = 64 * 1024;
pub const HEADER_LIST_BYTES: u32 = 256 * 1024;
