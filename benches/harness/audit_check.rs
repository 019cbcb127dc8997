//! Whether a run of the measuring engine is valid, by the audit of its clients.

use anyhow::{Result, ensure};
use poll_vs_sse_instrument::RunResult;

/// Fails if a message was missed, repeated or out of order, or if there was any error.
pub fn check(outcome: &RunResult) -> Result<()> {
    ensure!(outcome.is_valid(), "{}", findings(outcome));
    Ok(())
}

/// The findings of the audit in one line.
pub fn findings(outcome: &RunResult) -> String {
    if outcome.publishing.fell_short {
        let (asked, was) = outcome.rates();
        return format!("only {was:.1} of {asked:.1} messages a second could be published");
    }
    format!(
        "{} of {} delivered, {} missed, {} repeated, {} out of order, {} errors ({}): the figures of this run are \
         invalid",
        outcome.deliveries,
        outcome.expected,
        outcome.missed,
        outcome.duplicates,
        outcome.out_of_order,
        outcome.errors,
        outcome.first_error.as_deref().unwrap_or("none")
    )
}
