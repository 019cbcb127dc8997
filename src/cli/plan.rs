//! `plan`: what a number of clients would cost on each transport, computed from a calibrated model.

use std::{io::Write as _, process::ExitCode};

use poll_vs_sse_model::{
    self as model, PlanDocument, plan_table,
    sentences::words,
    text_table::{width, wrapped},
};

use super::{
    exit::{self, fail},
    plan_flags::Flags,
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
        match serde_json::to_string_pretty(&PlanDocument::of(&plan, &model)) {
            Ok(json) => json + "\n",
            Err(error) => return fail(&format!("cannot write the plan: {error}"), exit::FAILED),
        }
    } else {
        let width = width(&console::Term::stdout());
        let words = words(&plan).into_iter();
        let words: Vec<_> = words.map(|text| wrapped(&text, "", width)).collect();
        format!(
            "{}\n\n{}\n",
            plan_table::table(&plan, &model, width),
            words.join("\n")
        )
    };
    // A closed pipe is no reason to complain.
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
    ExitCode::SUCCESS
}
