//! A plan as `plan --json` prints it.

use crate::{Errors, Model, Plan, sentences::sentences};

/// What `--json` prints.
#[derive(serde::Serialize)]
pub struct PlanDocument<'a> {
    model: Origin<'a>,
    #[serde(flatten)]
    plan: &'a Plan,
    sentences: Vec<String>,
}

/// Where the constants come from.
#[derive(serde::Serialize)]
struct Origin<'a> {
    version: &'a str,
    measured_at: &'a str,
    cpu: Option<&'a str>,
    errors: Errors,
}

impl<'a> PlanDocument<'a> {
    pub fn of(plan: &'a Plan, model: &'a Model) -> Self {
        Self {
            model: Origin {
                version: &model.version,
                measured_at: &model.measured_at,
                cpu: model.machine.cpu.as_deref(),
                errors: model.errors,
            },
            sentences: sentences(plan),
            plan,
        }
    }
}
