//! A plan with the source of its constants and its sentences: the output of `plan --json` and the answer of `GET
//! /plan`.

use crate::{
    Bills, Curve, Errors, Model, Plan, Prices, StackModel, StackName, StackOrigin,
    sentences::{bill_sentences, sentences},
};

/// A plan, with the source of its constants and its sentences.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct PlanDocument {
    pub model: ModelOrigin,
    #[serde(flatten)]
    pub plan: Plan,
    /// The conclusions from the figures, in plain sentences.
    pub sentences: Vec<String>,
    /// The stacks that can be chosen.
    pub stacks: Vec<StackName>,
    /// With prices, the monthly bills.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bills: Option<Bills>,
    /// The requested curves.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub curves: Vec<Curve>,
}

/// The source of a model's constants, and its errors.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ModelOrigin {
    pub version: String,
    pub measured_at: String,
    pub cpu: Option<String>,
    /// The idle time after which the server closed a connection, in seconds. `None` if it was not measured.
    pub idle_s: Option<f64>,
    pub errors: Errors,
    /// The chosen stack, if it is not our own server.
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
                // It was not measured for other stacks.
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

    /// The document, with bills added.
    pub fn with_prices(mut self, model: &Model, prices: Prices) -> Self {
        let bills = Bills::new(model, &self.plan, prices);
        self.sentences.extend(bill_sentences(&self.plan, &bills));
        self.bills = Some(bills);
        self
    }
}
