//! The audit, audited: it is run on servers that fail their clients in each way that it is to find.

use std::time::Duration;

use anyhow::Result;
use clap::ValueEnum as _;
use futures_util::future::try_join_all;

use crate::{
    fault_proxy::Mutation,
    group::Setup,
    record::Verdict,
    run::{Outcome, Plan},
};

/// Without faults, what is wrong is the servers alone; and they are good to the last messages.
const LENGTH: Duration = Duration::from_millis(2400);
/// Messages a second. All the audits run at once.
pub const RATE: u32 = 60;

/// Runs them all. False: one did not find what was wrong, or found something where nothing was.
pub async fn prove(setup: impl Fn(Mutation) -> Result<Setup>) -> Result<bool> {
    let kinds = Mutation::value_variants();
    let plans = kinds.iter().map(|how| {
        Ok(Plan {
            length: LENGTH,
            rate: RATE,
            setup: setup(*how)?,
        })
    });
    let plans: Vec<Plan> = plans.collect::<Result<_>>()?;
    let outcomes = try_join_all(plans.into_iter().map(|plan| plan.run(Vec::new()))).await?;
    let mut is_proven = true;
    for (how, outcome) in kinds.iter().zip(&outcomes) {
        let figures = figures(*how, outcome);
        let is_right = match how {
            Mutation::Nothing => outcome.is_sound(),
            _ => !outcome.is_sound() && figures.iter().all(|found| *found > 0),
        };
        let verdict = if is_right { "ok" } else { "FAILED" };
        let name = format!("{how:?}").to_lowercase();
        let of = if *how == Mutation::Nothing {
            "wrong"
        } else {
            "found"
        };
        println!("{verdict:<7}{name:<11}{of} {figures:?}");
        is_proven &= is_right;
    }
    Ok(is_proven)
}

/// What the audit found of a mutation, by transport where it has one.
fn figures(how: Mutation, outcome: &Outcome) -> Vec<u64> {
    let figure: fn(&Verdict) -> u64 = match how {
        Mutation::Nothing => Verdict::faults,
        Mutation::Miss => |verdict| verdict.missed,
        Mutation::Repeat => |verdict| verdict.repeated,
        Mutation::Disorder => |verdict| verdict.out_of_order,
        Mutation::Loss => |verdict| verdict.gone,
        Mutation::Blindness => return vec![outcome.unseen()],
        Mutation::Forgery => |verdict| verdict.foreign,
        Mutation::Alarm => |verdict| verdict.unfounded,
    };
    outcome.verdicts.values().map(figure).collect()
}
