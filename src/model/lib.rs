//! What a number of clients costs on each transport: a small model whose constants were measured.
//!
//! Pure arithmetic, written down in `docs/model.md`. The lab's page computes the same from the same file
//! (`web/src/lab/planner/`); `vectors.json` holds questions and answers that both are checked against.
//!
//! ```text
//! Setting ──> Flow ──┐
//!                    ├──> Cost ──┬──> Plan: servers, what dominates
//!           Model ───┘           └──> BreakEven: where polling and pushing cost the same
//! ```

#[cfg(test)]
mod beside;
mod break_even;
mod constants;
mod cost;
mod delays;
#[cfg(test)]
mod documented;
mod flow;
pub mod format;
mod machine;
mod plan;
mod plan_document;
pub mod plan_table;
mod rested;
#[cfg(test)]
mod sample;
pub mod sentences;
mod servers;
#[cfg(test)]
mod tests;
pub mod text_table;
mod transport;
#[cfg(test)]
pub mod vectors;
mod waking;

pub use machine::Machine;
pub use plan_document::PlanDocument;
pub use transport::Transport;

pub use break_even::{BreakEven, Range, Yardstick, break_even};
pub use constants::{
    Constants, Contract, Errors, FORMAT, Measured, Model, PerTransport, Purpose, Span,
};
pub use cost::{Cost, CpuBy, Part, US_PER_S};
pub use flow::{Flow, Setting, Spacing};
pub use plan::{Beyond, BeyondWhat, Estimate, Plan, Question, ServerSize, plan};
pub use rested::rested;
pub use servers::{Limit, Served, serve};
pub use waking::{Filled, Load};
