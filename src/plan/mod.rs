//! `plan`: what a number of clients would cost on each transport, computed from a calibrated model.

mod flags;
mod table;
mod words;

use std::{io::Write as _, process::ExitCode};

pub use flags::Flags;

use crate::{
    columns::{width, wrapped},
    compare::model::{self, Model, Plan},
    exit::{self, fail},
};

/// Runs `plan`. Exit code 2: a value is out of range, or the model file is none.
pub fn run(flags: &Flags) -> ExitCode {
    let asked = flags.question().and_then(|question| {
        let model = flags.model()?;
        Ok((question, model))
    });
    let (question, model) = match asked {
        Ok(asked) => asked,
        Err(error) => return fail(&format!("{error:#}"), exit::UNUSABLE),
    };
    let plan = model::plan(&model, &question);
    let text = if flags.json {
        match serde_json::to_string_pretty(&Document::of(&plan, &model)) {
            Ok(json) => json + "\n",
            Err(error) => return fail(&format!("cannot write the plan: {error}"), exit::FAILED),
        }
    } else {
        let width = width(&console::Term::stdout());
        let words = words::words(&plan).into_iter();
        let words: Vec<_> = words.map(|text| wrapped(&text, "", width)).collect();
        format!(
            "{}\n\n{}\n",
            table::table(&plan, &model, width),
            words.join("\n")
        )
    };
    // A closed pipe is no reason to complain.
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

/// What `--json` prints.
#[derive(serde::Serialize)]
struct Document<'a> {
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
    errors: model::Errors,
}

impl<'a> Document<'a> {
    fn of(plan: &'a Plan, model: &'a Model) -> Self {
        Self {
            model: Origin {
                version: &model.version,
                measured_at: &model.measured_at,
                cpu: model.machine.cpu.as_deref(),
                errors: model.errors,
            },
            sentences: words::words(plan),
            plan,
        }
    }
}
