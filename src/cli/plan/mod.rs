//! `plan`: predicts what a number of clients would cost on each transport, from a calibrated model.

use std::process::ExitCode;

use poll_vs_sse_model::{
    self as model, PlanDocument, StackModel, plan_table,
    text_table::{width, wrap},
};

mod flags;

pub use flags::PlanFlags;

use super::{
    exit::{self, fail},
    output,
};

/// Runs `plan`. Exit code 2: a value is out of range, or the model file is invalid. `name` adds to an error the
/// variables that its flags came from.
pub fn run(flags: &PlanFlags, name: impl Fn(&str) -> String) -> ExitCode {
    if flags.is_list() {
        return print(&list(flags.json));
    }
    let asked = flags.prices().and_then(|prices| {
        let question = flags.question(prices.as_ref())?;
        Ok((question, flags.model(&question)?, prices))
    });
    let (question, model, prices) = match asked {
        Ok(asked) => asked,
        Err(error) => return fail(&name(&format!("{error:#}")), exit::USAGE_ERROR),
    };
    let mut document = PlanDocument::new(model::plan(&model, &question), &model);
    if let Some(prices) = prices {
        document = document.with_prices(&model, prices);
    }
    let text = if flags.json {
        match serde_json::to_string_pretty(&document) {
            Ok(json) => json + "\n",
            Err(error) => return fail(&format!("cannot write the plan: {error}"), exit::FAILED),
        }
    } else {
        let width = width(&console::Term::stdout());
        let lines = document.sentences.iter();
        let lines: Vec<_> = lines.map(|text| wrap(text, "", width)).collect();
        format!(
            "{}\n\n{}\n",
            plan_table::table(&document.plan, &model, width),
            lines.join("\n")
        )
    };
    print(&text)
}

fn print(text: &str) -> ExitCode {
    match output::print(text) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(
            &format!("cannot write the plan: {error}"),
            exit::USAGE_ERROR,
        ),
    }
}

/// The stacks that `--stack` accepts.
fn list(as_json: bool) -> String {
    let names = StackModel::names();
    match as_json {
        true => serde_json::json!(names).to_string() + "\n",
        false => {
            let width = names.iter().map(|one| one.name.len()).max().unwrap_or(0);
            let lines = names.iter();
            lines
                .map(|one| format!("{:<width$}  {}\n", one.name, one.title))
                .collect()
        }
    }
}
