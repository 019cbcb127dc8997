//! Reasons to doubt the figures: losses, failures, and a load generator or machine that was busy.

use super::run_header::TargetInfo;
use crate::{
    Machine, RunResult,
    load::publisher::MAX_IN_FLIGHT,
    run::record::{BUSY_SHARE, LATE_LAG_US, LATE_SEND_US},
};
use poll_vs_sse_model::format::{significant, time_us, with_thousands};

/// If arrivals differ from deliveries by more than this share, the run was not in a steady state.
const UNSTEADY: f64 = 0.05;
/// Timers later than this at the 99th percentile affect delays.
const LAG_US: u64 = 10_000;

/// One reason to doubt the figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Whether it makes figures invalid, not only doubtful.
    pub invalidates: bool,
    pub text: String,
}

/// All warnings about these results, the most serious first.
pub fn warnings(target: &TargetInfo, machine: &Machine, outcomes: &[RunResult]) -> Vec<Warning> {
    let mut all = Vec::new();
    for outcome in outcomes {
        invalidating(outcome, &mut all);
    }
    for outcome in outcomes {
        questionable(outcome, &mut all);
    }
    if let (Some(pid), Some(false)) = (target.pid, target.pid_listens) {
        all.push(Warning {
            invalidates: false,
            text: format!(
                "Neither process {pid} (--pid) nor one that it started listens on the port of {}: CPU and \
                 memory may be those of another server",
                target.name
            ),
        });
    }
    if let (true, Some([minute, ..])) = (machine.is_busy(), machine.load_averages) {
        all.push(Warning {
            invalidates: false,
            text: format!(
                "The machine was busy with something else when this began (load average {minute}): \
                 times and CPU may be too high"
            ),
        });
    }
    all
}

fn invalidating(outcome: &RunResult, all: &mut Vec<Warning>) {
    let name = outcome.transport;
    let expected = with_thousands(outcome.expected);
    let audit = [
        (outcome.missed, "MISSED"),
        (
            outcome.duplicates,
            if outcome.duplicates == 1 {
                "DUPLICATE"
            } else {
                "DUPLICATES"
            },
        ),
        (outcome.out_of_order, "OUT OF ORDER"),
    ];
    let found: Vec<String> = audit
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{} {what}", with_thousands(count)))
        .collect();
    if !found.is_empty() {
        all.push(Warning {
            invalidates: true,
            text: format!("{name}: {} of {expected} deliveries", found.join(", ")),
        });
    }
    let mut shout = |text: String| {
        all.push(Warning {
            invalidates: true,
            text,
        })
    };
    if outcome.publishing.fell_short {
        shout(format!("{name}: {}", below_target_rate(outcome)));
    }
    match outcome.unanswered {
        0 => {}
        1 => shout(format!(
            "{name}: 1 request of a client that lacked a message was STILL UNANSWERED when it ended"
        )),
        count => shout(format!(
            "{name}: {} requests of clients that lacked a message were STILL UNANSWERED when it ended",
            with_thousands(count)
        )),
    }
    if let Some(unserved) = outcome.restart.map(|it| it.unserved).filter(|it| *it > 0) {
        shout(format!(
            "{name}: {} CLIENTS WERE NOT SERVED AGAIN after the restart",
            with_thousands(unserved)
        ));
    }
    let why = outcome.first_error.as_deref().unwrap_or("unknown");
    match outcome.errors {
        0 => {}
        1 => shout(format!("{name}: 1 ERROR: {why}")),
        count => shout(format!(
            "{name}: {} ERRORS, the first: {why}",
            with_thousands(count)
        )),
    }
    if outcome.expected == 0 {
        shout(format!("{name}: nothing was due while it was measured"));
    }
}

/// The published rate instead of the requested one, and the reason.
fn below_target_rate(outcome: &RunResult) -> String {
    let (asked, was) = outcome.rates();
    let why = match outcome.publishing.held_back {
        0 => "this program was held up".to_owned(),
        held_back => format!(
            "with {MAX_IN_FLIGHT} of them unacknowledged, {} had to wait for the server",
            with_thousands(held_back)
        ),
    };
    format!(
        "ONLY {} OF {} MESSAGES A SECOND COULD BE PUBLISHED: {why}; ask for a lower --rate",
        significant(was),
        significant(asked)
    )
}

fn questionable(outcome: &RunResult, all: &mut Vec<Warning>) {
    let name = outcome.transport;
    let mut warn = |text: String| {
        all.push(Warning {
            invalidates: false,
            text,
        })
    };
    let load = &outcome.load;
    // Of several runs, the one that was limited may be another than the one that the server held back.
    let is_only_send_late = load.limited
        && outcome.publishing.late_us_max > LATE_SEND_US
        && load.cpu_share <= BUSY_SHARE
        && load.lag_us_p99 <= LATE_LAG_US;
    if load.limited {
        let share = format!(
            "{:.0} % of its {}",
            load.cpu_share * 100.0,
            processors(load.cores)
        );
        let lag = time_us(load.lag_us_p99 as f64);
        let late = time_us(outcome.publishing.late_us_max as f64);
        warn(if is_only_send_late {
            format!(
                "{name}: THE LOAD GENERATOR WAS HELD UP: it sent a message {late} after it was due, and the delays \
                 include that; something else keeps this machine busy"
            )
        } else if load.cpu_share > BUSY_SHARE {
            format!(
                "{name}: LIMITED BY THE LOAD GENERATOR, not by the server: it used {share}, and one in a \
                 hundred of its timers was {lag} late; ask for fewer --clients or a lower --rate"
            )
        } else {
            format!(
                "{name}: THE LOAD GENERATOR WAS HELD UP: one in a hundred of its timers was {lag} late, \
                 though it used only {share}; something else keeps this machine busy"
            )
        });
    }
    if !load.limited && load.lag_us_p99 > LAG_US {
        warn(format!(
            "{name}: one in a hundred of this program's timers was {} late: the delays may be too high by that much",
            time_us(load.lag_us_p99 as f64)
        ));
    }
    if let Some(why) = outcome
        .vanished
        .as_ref()
        .and_then(|gone| gone.unseen.as_ref())
    {
        warn(format!(
            "{name}: it is not known how long the server held vanished clients: {why}"
        ));
    }
    let publishing = &outcome.publishing;
    if publishing.late_us_max > LATE_SEND_US && !publishing.fell_short && !is_only_send_late {
        let why = match publishing.held_back {
            0 => "this program was held up".to_owned(),
            _ => format!("{MAX_IN_FLIGHT} before it were not yet acknowledged"),
        };
        warn(format!(
            "{name}: a message was sent {} after it was due, as {why}; its delay counts from when it was due",
            time_us(publishing.late_us_max as f64)
        ));
    }
    let (arrived, due) = (outcome.arrivals as f64, outcome.deliveries as f64);
    if !outcome.interrupted && due > 0.0 && (arrived - due).abs() / due > UNSTEADY {
        warn(format!(
            "{name}: {} deliveries, of any messages, fell into the measured time, and {} were of messages due in \
             it: it was not in a steady state, so a longer --duration will be nearer the truth",
            with_thousands(outcome.arrivals),
            with_thousands(outcome.deliveries),
        ));
    }
    if let (Some(used), Some(cores)) = (outcome.server_processors(), outcome.server_cores)
        && used > 0.9 * f64::from(cores)
    {
        warn(format!(
            "{name}: the server used {} of its {}: it was at its limit",
            significant(used),
            processors(cores)
        ));
    }
}

fn processors(count: u32) -> String {
    match count {
        1 => "1 processor".to_owned(),
        count => format!("{count} processors"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Transport, test_fixtures::outcome};

    fn idle() -> Machine {
        Machine {
            load_averages: None,
            ..crate::probe()
        }
    }

    fn own() -> TargetInfo {
        TargetInfo {
            name: "self".to_owned(),
            profile: "poll-vs-sse".to_owned(),
            pid: None,
            pid_listens: None,
        }
    }

    fn texts(outcomes: &[RunResult]) -> Vec<String> {
        let all = warnings(&own(), &idle(), outcomes);
        all.into_iter().map(|warning| warning.text).collect()
    }

    #[test]
    fn a_valid_run_has_no_warning() {
        assert!(texts(&[outcome(Transport::Stream)]).is_empty());
    }

    #[test]
    fn each_kind_of_invalid_figure_is_printed_prominently_and_first() {
        let sound = outcome(Transport::Poll);
        let slow = RunResult {
            load: crate::LoadGeneratorStats {
                limited: true,
                cpu_share: 0.97,
                ..sound.load
            },
            ..outcome(Transport::Poll)
        };
        let error = RunResult {
            missed: 3,
            duplicates: 1,
            errors: 2,
            first_error: Some("the server answered 500".to_owned()),
            ..outcome(Transport::Stream)
        };
        let all = warnings(&own(), &idle(), &[slow, error]);
        assert!(
            all[0].invalidates && all[1].invalidates && !all[2].invalidates,
            "{all:?}"
        );
        assert!(all[0].text.contains("3 MISSED, 1 DUPLICATE of"), "{all:?}");
        assert!(all[1].text.contains("answered 500"), "{all:?}");
        assert!(all[2].text.contains("97 %"), "{all:?}");
    }

    #[test]
    fn another_workload_than_the_requested_one_is_invalid() {
        let mut short = outcome(Transport::Poll);
        short.publishing.in_time = 12;
        short.publishing.held_back = 18;
        short.publishing.fell_short = true;
        let all = warnings(&own(), &idle(), &[short]);
        assert!(all[0].invalidates, "{all:?}");
        let words = "ONLY 0.400 OF 1.00 MESSAGES A SECOND COULD BE PUBLISHED: with 64";
        assert!(all[0].text.contains(words), "{all:?}");
    }

    #[test]
    fn a_single_error_is_in_the_singular() {
        let failed = RunResult {
            errors: 1,
            first_error: Some("no answer in time".to_owned()),
            ..outcome(Transport::Poll)
        };
        assert_eq!(texts(&[failed]), ["poll: 1 ERROR: no answer in time"]);
        let hung = RunResult {
            missed: 2,
            unanswered: 2,
            ..outcome(Transport::Poll)
        };
        assert!(texts(&[hung])[1].contains("2 requests of clients"));
    }

    #[test]
    fn late_messages_unsteady_runs_and_a_full_server_cause_warnings() {
        let sound = outcome(Transport::Poll);
        let mut late = sound.clone();
        late.publishing.late_us_max = 400_000;
        assert!(texts(&[late.clone()])[0].contains("this program was held up"));
        late.publishing.held_back = 3;
        assert!(texts(&[late])[0].contains("400 ms after it was due, as 64 before it"));
        let mut held_up = sound.clone();
        held_up.publishing.late_us_max = 561_000;
        held_up.load.limited = true;
        // The server held back a message of another run.
        let mut pooled = held_up.clone();
        pooled.publishing.held_back = 1;
        for outcome in [held_up, pooled] {
            let said = texts(&[outcome]);
            assert_eq!(said.len(), 1, "{said:?}");
            let words = "HELD UP: it sent a message 561 ms after it was due";
            assert!(said[0].contains(words), "{said:?}");
        }
        let mut slow = sound.clone();
        slow.load.lag_us_p99 = 20_000;
        assert!(texts(&[slow])[0].contains("20.0 ms late"));
        let unsteady = RunResult {
            arrivals: sound.deliveries / 2,
            ..sound.clone()
        };
        let words =
            "1,500 deliveries, of any messages, fell into the measured time, and 3,000 were";
        assert!(texts(&[unsteady])[0].contains(words));
        let full = RunResult {
            server_cpu_s: Some(sound.duration_s * 0.99),
            server_cores: Some(1),
            ..sound
        };
        assert!(texts(&[full])[0].contains("limit"));
    }
}
