//! The accelerator for cleartext HTTP/1.1: plain `GET /poll` and `GET /stream` without a general HTTP layer, and
//! without a task, buffers or a timer for each waiting connection.
//!
//! It serves the requests of a connection as long as they are plain. At the first other request, it hands the request
//! and the connection forward to HTTP, for good. It sends the same bytes as `http` for the same request, except for
//! the order of header fields. The server works the same without it; only `lifecycle` imports it.

#[cfg(not(feature = "fast-path"))]
mod disabled;
#[cfg(feature = "fast-path")]
mod enabled;
mod options;

#[cfg(not(feature = "fast-path"))]
pub use disabled::FastPath;
#[cfg(feature = "fast-path")]
pub use enabled::FastPath;
pub use options::{AcceleratorOptions, AcceptedConnection, ForwardedConnection, PollGate};
