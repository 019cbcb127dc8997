//! The one HTTP client: HTTP/1.1 on `hyper`, HTTP/2 on `h2`, TLS on `rustls`, all over a socket that counts every byte.
//!
//! ```text
//! endpoint ──> connection ──┬──> http1 ─┐
//!                           └──> http2 ─┴──> socket ──> connect
//! ```
//!
//! A [`connection::Connection`] carries one request at a time, and only the task that uses it drives it. So bytes are
//! counted at the moment they pass, and no work of a client continues after its task was aborted.
//!
//! Benches and the audit have their own sockets, and read them with [`answer_reader`] and [`event_stream`].

pub(crate) mod address;
pub mod answer_reader;
pub mod chromium;
mod connect;
pub(crate) mod connection;
mod driver;
pub(crate) mod endpoint;
pub(crate) mod error;
pub mod event_stream;
pub(crate) mod head;
mod http1;
mod http2;
pub(crate) mod meter;
pub(crate) mod raw;
mod socket;
pub(crate) mod tls;
