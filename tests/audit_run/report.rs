//! The report of a run on standard output.

use std::sync::atomic::Ordering::Relaxed;

use crate::run::AuditResult;

pub fn print(outcome: &AuditResult) {
    let setup = &outcome.setup;
    println!(
        "\n{} s, {} server(s) on {:?}, {} messages retained. Injected:",
        outcome.length.as_secs(),
        setup.servers(),
        setup.store,
        setup.retained
    );
    let counters = &outcome.state.counters;
    let injected = outcome.injected.iter().map(|(name, n)| (*name, *n as u64));
    let suffered = [
        ("connections cut at some byte", outcome.cuts),
        (
            "reads stopped for a while by their reader",
            counters.stalls.load(Relaxed),
        ),
        (
            "moves of a reader to another server",
            counters.moves.load(Relaxed),
        ),
    ];
    for (name, n) in injected.chain(suffered) {
        println!("{n:7}  {name}");
    }
    println!(
        "Clients saw {} broken connections and {} answers of 503, to a publisher after {} ms at most;\n\
         {} of these left open whether the message is there.\n",
        counters.broken_connections.load(Relaxed),
        counters.unavailable.load(Relaxed),
        counters.slowest_refusal_ms.load(Relaxed),
        counters.unconfirmed.load(Relaxed)
    );
    println!(
        "{:<10}{:>8}{:>11}{:>8}{:>9}{:>8}{:>10}{:>14}{:>18}",
        "transport",
        "readers",
        "delivered",
        "resets",
        "skipped",
        "missed",
        "repeated",
        "out of order",
        "acknowledged gone"
    );
    for (transport, verdict) in &outcome.verdicts {
        println!(
            "{:<10}{:>8}{:>11}{:>8}{:>9}{:>8}{:>10}{:>14}{:>18}",
            transport.as_str(),
            verdict.readers,
            verdict.delivered,
            verdict.resets,
            verdict.skipped,
            verdict.missed,
            verdict.repeated,
            verdict.out_of_order,
            verdict.gone
        );
    }
    println!(
        "{} messages acknowledged, {} of them overwritten by another, {} refused, {} twice in the log, \
         {} of unknown fate.",
        outcome.acknowledged,
        outcome.overwritten,
        outcome.refused,
        outcome.twice,
        outcome.unanswered
    );
    println!(
        "{} reads that began after a 201, at the same server: {} did not see the message.",
        outcome.visibility_checks(),
        outcome.unseen()
    );
    for (transport, verdict) in &outcome.verdicts {
        let name = transport.as_str();
        if let Some((last, head)) = verdict.first_unfounded {
            let n = verdict.unfounded;
            println!(
                "{name}: {n} resets without a reason, one after {last} when {head} was the newest"
            );
        }
        if verdict.foreign > 0 {
            println!(
                "{name}: {} messages that nobody published, or that were refused",
                verdict.foreign
            );
        }
    }
    if outcome.problems > 0 {
        println!("{} problems, see above", outcome.problems);
    }
}
