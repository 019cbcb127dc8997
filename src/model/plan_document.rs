//! A plan with where its constants come from and what it says: what `plan --json` prints and `GET /plan`
//! answers.

use crate::{
    Bills, Curve, Errors, Model, Plan, Prices, StackModel, StackName, StackOrigin,
    sentences::{bill_sentences, sentences},
};

/// See the module.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct PlanDocument {
    pub model: ModelOrigin,
    #[serde(flatten)]
    pub plan: Plan,
    /// What the figures say, in plain sentences.
    pub sentences: Vec<String>,
    /// The stacks that may be asked for.
    pub stacks: Vec<StackName>,
    /// With prices, the bills of a month.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bills: Option<Bills>,
    /// Those that were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub curves: Vec<Curve>,
}

/// Where the constants of a model come from, and how far it was off.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ModelOrigin {
    pub version: String,
    pub measured_at: String,
    pub cpu: Option<String>,
    /// The server closed a connection that was idle for this long, seconds. `None` if that was not measured.
    pub idle_s: Option<f64>,
    pub errors: Errors,
    /// The stack that was asked for, if it is not our own server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stack: Option<StackOrigin>,
}

impl PlanDocument {
    pub fn new(plan: Plan, model: &Model) -> Self {
        Self {
            model: ModelOrigin {
                version: model.version.clone(),
                measured_at: model.measured_at.clone(),
                cpu: model.machine.cpu.clone(),
                // Of a stack it was not measured.
                idle_s: model.stack.is_none().then_some(model.limits.idle_s),
                errors: model.errors,
                stack: model.stack.clone(),
            },
            sentences: sentences(&plan),
            plan,
            stacks: StackModel::names(),
            bills: None,
            curves: Vec::new(),
        }
    }

    /// The same with bills.
    pub fn with_prices(mut self, model: &Model, prices: Prices) -> Self {
        let bills = Bills::new(model, &self.plan, prices);
        self.sentences.extend(bill_sentences(&self.plan, &bills));
        self.bills = Some(bills);
        self
    }
}
