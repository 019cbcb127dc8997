//! The measuring instrument: clients of every transport against one server, and what each cost.
//!
//! [`Workload`] is the question, [`Outcome`] one transport's answer, a plain record whose fields are
//! those of the JSON output. Nothing here knows the server's code: it is measured from outside, over
//! sockets, like any other server.

mod outcome;
mod transport;
mod workload;

pub use outcome::{Bucket, Delays, Load, Opening, Outcome, Publishing, Second};
pub use transport::Transport;
pub use workload::{Pace, Workload};
