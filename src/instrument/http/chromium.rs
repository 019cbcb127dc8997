//! The settings that Chromium sends when it opens an HTTP/2 connection. Its windows are large enough not to delay
//! anything.

pub const STREAM_WINDOW_BYTES: u32 = 6 * 1024 * 1024;
pub const CONNECTION_WINDOW_BYTES: u32 = 15 * 1024 * 1024;
pub const HEADER_TABLE_BYTES: u32 = 64 * 1024;
pub const HEADER_LIST_BYTES: u32 = 256 * 1024;
