//! What keeps figures from being taken at their face value: losses, failures, and a load generator or
//! machine that was busy with itself.

use crate::compare::{Machine, Outcome, run::record::BUSY_SHARE};
use crate::numbers::{grouped, short, time_us};

/// Arrivals that differ from deliveries by more than this share show a run that was not in its stride.
const UNSTEADY: f64 = 0.05;
/// A publisher that was later than this was not open-loop.
const LATE_US: u64 = 100_000;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Whether it makes figures void rather than doubtful.
    pub voids: bool,
    pub text: String,
}

/// All that is to be said against these outcomes, the worst first.
pub fn warnings(machine: &Machine, outcomes: &[Outcome]) -> Vec<Warning> {
    let mut all = Vec::new();
    for outcome in outcomes {
        voiding(outcome, &mut all);
    }
    for outcome in outcomes {
        doubtful(outcome, &mut all);
    }
    if let (true, Some([minute, ..])) = (machine.is_busy(), machine.load_averages) {
        all.push(Warning {
            voids: false,
            text: format!(
                "The machine was busy with something else when this began (load average {minute}): \
                 times and CPU may be too high"
            ),
        });
    }
    all
}

fn voiding(outcome: &Outcome, all: &mut Vec<Warning>) {
    let name = outcome.transport;
    let expected = grouped(outcome.expected);
    let audit = [
        (outcome.missed, "MISSED"),
        (outcome.duplicates, "DUPLICATES"),
        (outcome.out_of_order, "OUT OF ORDER"),
    ];
    let found: Vec<String> = audit
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{} {what}", grouped(count)))
        .collect();
    if !found.is_empty() {
        all.push(Warning {
            voids: true,
            text: format!("{name}: {} of {expected} deliveries", found.join(", ")),
        });
    }
    if outcome.errors > 0 {
        let why = outcome.first_error.as_deref().unwrap_or("unknown");
        all.push(Warning {
            voids: true,
            text: format!(
                "{name}: {} ERRORS, the first: {why}",
                grouped(outcome.errors)
            ),
        });
    }
    if outcome.expected == 0 {
        all.push(Warning {
            voids: true,
            text: format!("{name}: nothing was due while it was measured"),
        });
    }
}

fn doubtful(outcome: &Outcome, all: &mut Vec<Warning>) {
    let name = outcome.transport;
    let mut warn = |text: String| all.push(Warning { voids: false, text });
    let load = &outcome.load;
    if load.limited {
        let share = format!(
            "{:.0} % of its {}",
            load.cpu_share * 100.0,
            processors(load.cores)
        );
        let lag = time_us(load.lag_us_p99 as f64);
        warn(if load.cpu_share > BUSY_SHARE {
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
    let late = outcome.publishing.late_us_max;
    if late > LATE_US {
        warn(format!(
            "{name}: a message was sent {} after it was due, as the one before it was not yet \
             acknowledged or this program was held up; its delay counts from when it was due",
            time_us(late as f64)
        ));
    }
    let (arrived, due) = (outcome.arrivals as f64, outcome.deliveries as f64);
    if !outcome.interrupted && due > 0.0 && (arrived - due).abs() / due > UNSTEADY {
        warn(format!(
            "{name}: {} deliveries of the messages that count arrived while it was measured, {} in all: \
             it was not in a steady state, so a longer --duration will be nearer the truth",
            grouped(outcome.arrivals),
            grouped(outcome.deliveries),
        ));
    }
    if let (Some(used), Some(cores)) = (outcome.server_processors(), outcome.server_cores)
        && used > 0.9 * f64::from(cores)
    {
        warn(format!(
            "{name}: the server used {} of its {}: it was at its limit",
            short(used),
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
    use crate::compare::{Transport, sample::outcome};

    fn idle() -> Machine {
        Machine {
            load_averages: None,
            ..Machine::look()
        }
    }

    fn texts(outcomes: &[Outcome]) -> Vec<String> {
        let all = warnings(&idle(), outcomes);
        all.into_iter().map(|warning| warning.text).collect()
    }

    #[test]
    fn a_sound_run_needs_no_warning() {
        assert!(texts(&[outcome(Transport::Stream)]).is_empty());
    }

    #[test]
    fn each_kind_of_void_figure_is_shouted_first() {
        let sound = outcome(Transport::Poll);
        let slow = Outcome {
            load: crate::compare::Load {
                limited: true,
                cpu_share: 0.97,
                ..sound.load
            },
            ..outcome(Transport::Poll)
        };
        let broken = Outcome {
            missed: 3,
            duplicates: 1,
            errors: 2,
            first_error: Some("the server answered 500".to_owned()),
            ..outcome(Transport::Stream)
        };
        let all = warnings(&idle(), &[slow, broken]);
        assert!(all[0].voids && all[1].voids && !all[2].voids, "{all:?}");
        assert!(all[0].text.contains("3 MISSED, 1 DUPLICATES"), "{all:?}");
        assert!(all[1].text.contains("answered 500"), "{all:?}");
        assert!(all[2].text.contains("97 %"), "{all:?}");
    }

    #[test]
    fn late_messages_unsteady_runs_and_a_full_server_are_told() {
        let sound = outcome(Transport::Poll);
        let mut late = sound.clone();
        late.publishing.late_us_max = 400_000;
        assert!(texts(&[late])[0].contains("400 ms"));
        let unsteady = Outcome {
            arrivals: sound.deliveries / 2,
            ..sound.clone()
        };
        assert!(texts(&[unsteady])[0].contains("steady"));
        let full = Outcome {
            server_cpu_s: Some(sound.duration_s * 0.99),
            server_cores: Some(1),
            ..sound
        };
        assert!(texts(&[full])[0].contains("limit"));
    }
}
