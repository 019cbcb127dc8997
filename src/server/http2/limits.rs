//! What a client may make one HTTP/2 connection hold, and for how long.

use std::time::Duration;

use h2::server::Builder;

/// Streams a client may have open at a time. Browsers open far fewer; a shared connection of a proxy
/// opens a second connection beyond it.
pub const MAX_CONCURRENT_STREAMS: u32 = 100;
/// The largest header list, decoded (RFC 9113, 6.5.2). Larger ones are answered 431.
pub const MAX_HEADER_LIST_BYTES: u32 = 16 * 1024;
/// Answer bytes that wait in this process for one stream's window or for the socket.
pub const MAX_SEND_BUFFER_BYTES: usize = 16 * 1024;
/// Streams that the client reset and that are still remembered.
const MAX_RESET_STREAMS: usize = 20;
/// Streams that the client reset before they were accepted (rapid reset, CVE-2023-44487): more end the
/// connection.
const MAX_PENDING_RESETS: usize = 20;
/// What a client may send of request bodies before it must wait, per stream and per connection.
const RECEIVE_WINDOW_BYTES: u32 = 64 * 1024;
/// Time from the first byte to the client's preface and SETTINGS.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Silence after which the client is asked whether it is still there.
pub const PING_INTERVAL: Duration = Duration::from_secs(20);
/// Time that it has to answer.
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
