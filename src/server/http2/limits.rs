//! The limits on what a client can make one HTTP/2 connection hold, and for how long.

use std::time::Duration;

use h2::server::Builder;

/// The most streams that a client may have open at a time. Browsers open far fewer; a proxy that needs more opens a
/// second connection.
pub const MAX_CONCURRENT_STREAMS: u32 = 100;
/// The largest header list, decoded (RFC 9113, 6.5.2). A larger one is answered with 431.
pub const MAX_HEADER_LIST_BYTES: u32 = 16 * 1024;
/// The most answer bytes that wait in this process for one stream's window or for the socket.
pub const MAX_SEND_BUFFER_BYTES: usize = 16 * 1024;
/// The most streams that the client reset and that are still remembered.
const MAX_RESET_STREAMS: usize = 20;
/// The most streams that the client may reset before they are accepted (rapid reset, CVE-2023-44487); more end the
/// connection.
const MAX_PENDING_RESETS: usize = 20;
/// The most bytes of request bodies that a client may send before it must wait, per stream and per connection.
const RECEIVE_WINDOW_BYTES: u32 = 64 * 1024;
/// Time from the first byte to the client's preface. A client that sends no SETTINGS after it answers no PING either.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// The silence after which the server sends a PING.
pub const PING_INTERVAL: Duration = Duration::from_secs(20);
/// The time for the client to answer the PING.
pub const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// Settings of a connection, with every limit applied.
pub fn builder() -> Builder {
    let mut builder = Builder::new();
    builder
        .max_concurrent_streams(MAX_CONCURRENT_STREAMS)
        .max_header_list_size(MAX_HEADER_LIST_BYTES)
        .max_send_buffer_size(MAX_SEND_BUFFER_BYTES)
        .max_concurrent_reset_streams(MAX_RESET_STREAMS)
        .max_pending_accept_reset_streams(MAX_PENDING_RESETS)
        .max_local_error_reset_streams(Some(MAX_PENDING_RESETS))
        .initial_window_size(RECEIVE_WINDOW_BYTES)
        .initial_connection_window_size(RECEIVE_WINDOW_BYTES);
    builder
}
