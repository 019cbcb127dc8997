//! The measuring instrument: clients of every transport against one server, and what each cost.
//!
//! [`Workload`] is the question, [`Target`] whom it is put to, [`Outcome`] one transport's answer: a
//! plain record whose fields are those of the JSON output. [`measure`] gets one, [`compare`] all.
//! Nothing here knows the server's code: it is measured from outside, over sockets, like any other.
//!
//! ```text
//! profile ──> requests ──┬──> publisher   (threads: each message when it is due)
//!                        └──> client ──┬──> asker   (poll, long-poll)    one task each
//!                                      └──> stream  (SSE)
//! window: when it counts        every byte and message ──> recorder, audit ──> record ──> Outcome
//! sampler: CPU, memory
//! ```

mod asker;
mod audit;
pub mod calibrate;
mod client;
mod command;
mod comparison;
mod control;
mod derived;
mod destination;
mod document;
mod field;
mod flags;
mod http;
mod lag;
mod limits;
mod machine;
mod marker;
pub mod model;
mod outcome;
mod own_server;
mod placement;
mod pool;
mod preflight;
mod profile;
mod publisher;
mod record;
mod recorder;
mod report;
mod requests;
mod run;
#[cfg(test)]
mod sample;
mod sampler;
mod screen;
mod socket;
mod stop;
mod stream;
mod table;
mod target;
mod times;
mod transport;
mod usage;
mod verdict;
mod warnings;
mod window;
mod workload;

pub use command::run;
pub use comparison::{Comparison, compare};
pub use control::{Control, Progress};
pub use destination::Destination;
pub use document::{Document, FORMAT, Preface, Subject, Versions};
pub use flags::{Flags, Question};
pub use machine::Machine;
pub use outcome::{Bucket, Delays, Load, Outcome, Publishing, Second, Traffic};
pub use own_server::OwnServer;
pub use placement::Placement;
pub use preflight::preflight;
pub use profile::Profile;
pub use run::measure;
pub use target::{Remote, Target};
pub use transport::Transport;
pub use workload::{Pace, Workload};
