//! Tests the audit itself on servers with each kind of error that it must find.

use std::time::Duration;

use anyhow::Result;
use clap::ValueEnum as _;
use futures_util::future::try_join_all;

use crate::{
    fault_proxy::Mutation,
    group::GroupSetup,
    record::TransportVerdict,
    run::{AuditPlan, AuditResult},
};

/// The length of each audit. There are no other faults, and the servers deliver the last messages correctly.
const LENGTH: Duration = Duration::from_millis(2400);
/// Messages a second of each audit; all of them run at the same time.
pub const RATE: u32 = 60;

/// Runs an audit of each mutation. Returns false if one missed its error, or found an error without a mutation.
pub async fn prove(setup: impl Fn(Mutation) -> Result<GroupSetup>) -> Result<bool> {
    let kinds = Mutation::value_variants();
    let plans = kinds.iter().map(|how| {
        Ok(AuditPlan {
            length: LENGTH,
            rate: RATE,
            setup: setup(*how)?,
        })
    });
    let plans: Vec<AuditPlan> = plans.collect::<Result<_>>()?;
    let outcomes = try_join_all(plans.into_iter().map(|plan| plan.run(Vec::new()))).await?;
    let mut is_proven = true;
    for (how, outcome) in kinds.iter().zip(&outcomes) {
        let figures = figures(*how, outcome);
        let is_right = match how {
            Mutation::Nothing => outcome.is_clean(),
            _ => !outcome.is_clean() && figures.iter().all(|found| *found > 0),
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

/// The audit's counts of a mutation's errors, by transport if they have one.
fn figures(how: Mutation, outcome: &AuditResult) -> Vec<u64> {
    let figure: fn(&TransportVerdict) -> u64 = match how {
        Mutation::Nothing => TransportVerdict::faults,
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
