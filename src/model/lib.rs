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

mod break_even;
mod constants;
mod cost;
mod delays;
#[cfg(test)]
mod doc_tables;
pub mod format;
mod idle_share;
mod machine;
#[cfg(test)]
mod matrix_doc;
mod plan;
mod plan_document;
pub mod plan_table;
mod rates;
pub mod sentences;
mod sizing;
#[cfg(test)]
mod test_fixtures;
#[cfg(test)]
mod tests;
pub mod text_table;
mod transport;
#[cfg(test)]
pub mod vectors;
mod wakeup;

pub use machine::Machine;
pub use plan_document::PlanDocument;
pub use transport::Transport;

pub use break_even::{BreakEven, CostMetric, Range, break_even};
pub use constants::{
    Constants, Errors, FORMAT, MeasurePurpose, MeasuredPoint, MeasuredRange, Model, PerTransport,
    ServerLimits,
};
pub use cost::{Cost, CpuBy, Part, US_PER_S};
pub use idle_share::idle_share;
pub use plan::{Dimension, Estimate, Extrapolation, Plan, Question, ServerSize, plan};
pub use rates::{ArrivalPattern, Rates, Scenario};
pub use sizing::{Limit, Sizing, size_servers};
pub use wakeup::{Fill, Utilization};
