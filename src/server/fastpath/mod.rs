//! The accelerator for cleartext HTTP/1.1: plain `GET /poll` and `GET /stream` without a general HTTP
//! layer, and without a task, buffers or a timer for what only waits.
//!
//! It reads a connection's first requests, and serves them for as long as they are such. Everything
//! else, and the connection with it, goes forward to HTTP, once and for good. What it sends is what
//! `http` sends for the same request, but for the order of header fields. Without it, the product does
//! the same; only `lifecycle` names it.

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
