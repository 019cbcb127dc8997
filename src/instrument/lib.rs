//! The measuring instrument: clients of every transport against one server, and what each cost.
//!
//! [`Workload`] is the question, [`Target`] whom it is put to, [`Outcome`] one transport's answer: a
//! plain record whose fields are those of the JSON output. [`measure`] gets one, [`compare`] all.
//! Nothing here knows the server's code: it is measured from outside, over sockets, like any other.
//!
//! ```text
//! command ──> run ──┬──> target   whom it is put to, and how that is spoken to
//!                   ├──> load     clients and the publisher
//!                   ├──> books    what they did and got, and when it counts
//!                   └──> machine  who runs where, CPU and memory
//!         ──> output     from outcomes to JSON, the table, the page
//!         ──> calibrate ──> model   what it would cost at another size
//! ```
//!
//! Imports go down and to the right in this picture; all of them know the words `Workload`,
//! `Transport` and `Outcome`.

mod books;
pub mod calibrate;
mod load;
mod machine;
mod outcome;
pub mod output;
pub mod run;
#[cfg(test)]
mod sample;
mod target;
mod workload;

pub use machine::{Machine, placement::Placement, probe};
pub use outcome::{Bucket, Delays, Load, Outcome, Publishing, Second, Traffic};
pub use output::{
    destination::Destination,
    document::{Document, FORMAT, Preface, Subject, Versions},
};
pub use poll_vs_sse_model::{self as model, Transport};
pub use run::{
    comparison::{Comparison, compare},
    control::{Control, Progress},
    measure::measure,
    preflight::preflight,
};
pub use target::{Remote, Target, own_server::OwnServer, profile::Profile};
pub use workload::{Pace, Workload};
