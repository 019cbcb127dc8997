//! The cost of a number of clients with each transport: a cost model whose constants were measured.
//!
//! Pure arithmetic, documented in `docs/model.md`; no I/O. `poll-vs-sse plan` and the server's `GET /plan` use it.
//!
//! ```text
//! Scenario ──> Rates ──┐
//!                      ├──> Cost ──┬──> Plan: servers, what dominates
//!            Model ────┘           ├──> BreakEven: where polling and pushing cost the same
//!                                  └──> Curve: the cores over a range of one input
//! PlanQuery ──> Question ──> Plan ──> PlanDocument
//! ```

mod break_even;
mod constants;
mod cost;
mod curve;
mod delays;
mod event_cost;
mod form_constants;
pub mod format;
mod hpack;
mod idle_share;
mod machine;
mod plan;
mod plan_document;
mod plan_query;
pub mod plan_table;
pub mod prices;
mod protocol;
pub mod question;
mod rates;
pub mod request_head;
pub mod sentences;
pub mod server_limits;
mod sizing;
mod stack;
mod stack_origin;
#[cfg(test)]
mod tests;
pub mod text_table;
mod transport;
mod wakeup;
mod wire_form;

pub use break_even::{BreakEven, CostMetric, PerMetric, Range, break_even};
pub use constants::{
    Constants, Errors, FORMAT, MatrixErrors, MeasurePurpose, MeasuredPoint, MeasuredRange, Model,
    PerTransport, US_PER_S,
};
pub use cost::{Cost, CpuBy, Part};
pub use curve::{Curve, CurveAxis};
pub use form_constants::{FormConstants, PerForm};
pub use idle_share::idle_share;
pub use machine::Machine;
pub use plan::{Dimension, Estimate, Extrapolation, Plan, plan};
pub use plan_document::{ModelOrigin, PlanDocument};
pub use plan_query::{InvalidPlanQuery, PlanQuery};
pub use prices::{Bill, Bills, Prices};
pub use protocol::Protocol;
pub use question::{OutOfRange, Question, QuestionField, ServerSize};
pub use rates::{ArrivalPattern, Rates, RequestSize, Scenario};
pub use request_head::RequestHead;
pub use server_limits::ServerLimits;
pub use sizing::{Limit, Sizing, size_servers};
pub use stack::{StackError, StackErrors, StackModel, StackName};
pub use stack_origin::StackOrigin;
pub use transport::Transport;
pub use wakeup::{Fill, Utilization};
pub use wire_form::{FormBytes, WireForm};
