//! The one HTTP client of the instrument, for `compare` and `check` alike: HTTP/1.1 on `hyper`, HTTP/2 on `h2`, TLS
//! on `rustls`, all over a socket that counts every byte.
//!
//! ```text
//! endpoint ──> connection ──┬──> http1 ─┐
//!                           └──> http2 ─┴──> socket ──> connect
//! ```
//!
//! A [`connection::Connection`] carries one request at a time and is driven only by the task that uses it. So what
//! passes is charged at the moment it passes, and nothing of a client goes on when its task was aborted.

pub mod address;
mod connect;
pub mod connection;
mod driver;
pub mod endpoint;
pub mod error;
pub mod event_stream;
pub mod head;
mod http1;
mod http2;
pub mod meter;
pub mod raw;
mod socket;
pub mod tls;
