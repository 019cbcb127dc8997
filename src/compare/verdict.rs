//! What the figures say, in one or two sentences. Nothing is said that does not follow from them.

use super::{Comparison, Outcome, Transport};
use crate::numbers::{short, time_us};

/// A difference below this share is none, where a single run has no spread to hold it against.
/// Bytes are counted, so only the moments at which a run begins and ends are left to chance.
const BYTES_MARGIN: f64 = 0.02;
/// CPU time moves with whatever else the machine does.
const CPU_MARGIN: f64 = 0.10;
const DELAY_MARGIN: f64 = 0.10;
/// People take what follows within 0.1 s to be at once (Miller 1968, "Response time in man-computer
/// conversational transactions"), so that much is no price.
const NOTICED_US: f64 = 100_000.0;

/// See the module.
pub fn verdict(comparison: &Comparison) -> String {
    let (sound, void): (Vec<&Outcome>, Vec<&Outcome>) = comparison
        .transports
        .iter()
        .partition(|outcome| outcome.is_valid());
    let mut sentences = Vec::new();
    if !void.is_empty() {
        let names = void.iter().map(|outcome| outcome.transport.to_string());
        let why = "not every message reached every client once, in order and without an error";
        sentences.push(format!(
            "No verdict on {}: {why}.",
            list(&names.collect::<Vec<_>>())
        ));
    }
    if let Some(costs) = costs(comparison, &sound) {
        sentences.push(costs.sentence());
        if void.is_empty() {
            sentences.push(costs.delays(&sound));
        }
    }
    sentences.retain(|sentence| !sentence.is_empty());
    if sentences.is_empty() {
        return "No verdict: nothing was measured.".to_owned();
    }
    sentences.join(" ")
}

/// One figure of one transport, and the range it was in over several runs.
#[derive(Debug, Clone, Copy)]
struct Figure {
    value: f64,
    range: Option<(f64, f64)>,
}

/// One kind of cost.
struct Measure {
    unit: fn(f64) -> String,
    noun: &'static str,
    margin: f64,
    of: fn(&Outcome) -> Option<f64>,
}

const MEASURES: [Measure; 2] = [
    Measure {
        unit: |bytes| format!("{} wire bytes", short(bytes)),
        noun: "bytes",
        margin: BYTES_MARGIN,
        of: Outcome::wire_bytes_per_delivery,
    },
    Measure {
        unit: |us| format!("{} of server CPU", time_us(us)),
        noun: "CPU",
        margin: CPU_MARGIN,
        of: Outcome::server_cpu_us_per_delivery,
    },
];

impl Figure {
    /// Whether it is smaller by more than chance.
    fn is_below(self, other: Self, margin: f64) -> bool {
        match (self.range, other.range) {
            (Some((_, high)), Some((low, _))) => high < low,
            _ => self.value < other.value * (1.0 - margin),
        }
    }
}

/// What sound transports cost.
struct Costs {
    names: Vec<Transport>,
    /// The measures that are known of all of them, and each one's figures in the order of `names`.
    measures: Vec<(&'static Measure, Vec<Figure>)>,
}

fn costs(comparison: &Comparison, sound: &[&Outcome]) -> Option<Costs> {
    if sound.is_empty() {
        return None;
    }
    let figures = |measure: &Measure| -> Option<Vec<Figure>> {
        let figures = sound.iter().map(|outcome| {
            let value = (measure.of)(outcome).filter(|value| *value > 0.0)?;
            Some(Figure {
                value,
                range: comparison.range(outcome.transport, measure.of),
            })
        });
        figures.collect()
    };
    let known = MEASURES
        .iter()
        .filter_map(|measure| figures(measure).map(|figures| (measure, figures)));
    Some(Costs {
        names: sound.iter().map(|outcome| outcome.transport).collect(),
        measures: known.collect(),
    })
}

impl Costs {
    fn sentence(&self) -> String {
        let [first, others @ ..] = &self.names[..] else {
            return String::new();
        };
        if others.is_empty() {
            return format!("{}: {} a delivery.", capital(*first), self.of(0));
        }
        let unbeaten: Vec<usize> = (0..self.names.len())
            .filter(|at| self.is_unbeaten(*at))
            .collect();
        match unbeaten[..] {
            [] => self.split(),
            [best] => self.with_best(best),
            // Several that nobody beats: those are equals, the cheaper of them by value in front.
            _ if unbeaten.len() == self.names.len() => self.tie(),
            [best, ..] => self.with_best(best),
        }
    }

    /// Whether nobody costs less in anything.
    fn is_unbeaten(&self, at: usize) -> bool {
        self.measures.iter().all(|(measure, figures)| {
            !figures
                .iter()
                .any(|other| other.is_below(figures[at], measure.margin))
        })
    }

    fn with_best(&self, best: usize) -> String {
        let others = (0..self.names.len())
            .filter(|at| *at != best)
            .map(|at| format!("{} takes {}", self.names[at], self.against(at, best)));
        format!(
            "{} costs least, {} a delivery: {}.",
            capital(self.names[best]),
            self.of(best),
            list(&others.collect::<Vec<_>>())
        )
    }

    /// Everyone is beaten in something: whoever is best at one thing is not at another.
    fn split(&self) -> String {
        let parts = self.measures.iter().map(|(measure, figures)| {
            let best = lowest(figures);
            let others = (0..figures.len()).filter(|at| *at != best).map(|at| {
                format!(
                    "{} {}",
                    self.names[at],
                    ratio(measure, figures[at], figures[best])
                )
            });
            format!(
                "{} takes least {}, {} a delivery ({})",
                self.names[best],
                measure.noun,
                (measure.unit)(figures[best].value),
                others.collect::<Vec<_>>().join(", ")
            )
        });
        let text = parts.collect::<Vec<_>>().join("; ");
        format!("None costs least in everything: {text}.")
    }

    fn tie(&self) -> String {
        let each =
            (0..self.names.len()).map(|at| format!("{} takes {}", self.names[at], self.of(at)));
        format!(
            "They cost the same, as far as this run can tell: a delivery by {}.",
            list(&each.collect::<Vec<_>>())
        )
    }

    /// What `at` costs.
    fn of(&self, at: usize) -> String {
        let measures = self.measures.iter();
        let parts = measures.map(|(measure, figures)| (measure.unit)(figures[at].value));
        list(&parts.collect::<Vec<_>>())
    }

    /// What `at` costs, in terms of `best`.
    fn against(&self, at: usize, best: usize) -> String {
        let measures = self.measures.iter();
        let parts = measures.map(|(measure, figures)| {
            format!(
                "{} {}",
                ratio(measure, figures[at], figures[best]),
                measure.noun
            )
        });
        list(&parts.collect::<Vec<_>>())
    }

    /// How long messages took, beside the costs.
    fn delays(&self, sound: &[&Outcome]) -> String {
        let limited = sound.iter().filter(|outcome| outcome.load.limited);
        let limited: Vec<String> = limited
            .map(|outcome| outcome.transport.to_string())
            .collect();
        if !limited.is_empty() {
            return format!(
                "Delays say nothing of the server here, as the load generator was at its limit or held up with {}.",
                list(&limited)
            );
        }
        let half = |outcome: &&Outcome| outcome.delay(|delays| delays.p50);
        let most = |outcome: &&Outcome| outcome.delay(|delays| delays.p99);
        let (Some(halves), Some(mosts)) = (
            sound.iter().map(half).collect::<Option<Vec<f64>>>(),
            sound.iter().map(most).collect::<Option<Vec<f64>>>(),
        ) else {
            return String::new();
        };
        let named = |times: &[f64]| {
            let each = times.iter().zip(&self.names);
            let each = each.map(|(time, name)| match self.names.len() {
                1 => time_us(*time),
                _ => format!("{} by {name}", time_us(*time)),
            });
            list(&each.collect::<Vec<_>>())
        };
        let fastest = halves.iter().copied().fold(f64::INFINITY, f64::min);
        let unbeaten: Vec<usize> = (0..self.names.len())
            .filter(|at| self.is_unbeaten(*at))
            .collect();
        let lead = match unbeaten[..] {
            [best] if self.names.len() > 1 => {
                if halves[best] * (1.0 - DELAY_MARGIN) <= fastest {
                    "Nor is any faster: half"
                } else if halves[best] - fastest > NOTICED_US {
                    "The price is delay: half"
                } else {
                    "Half"
                }
            }
            _ => "Half",
        };
        let plain: Vec<String> = mosts.iter().map(|time| time_us(*time)).collect();
        format!(
            "{lead} of the messages were seen within {}, 99 of 100 within {}.",
            named(&halves),
            list(&plain)
        )
    }
}

/// `figure` as a multiple of `best`, or that it is no other.
fn ratio(measure: &Measure, figure: Figure, best: Figure) -> String {
    if best.is_below(figure, measure.margin) {
        format!("{} times the", short(figure.value / best.value))
    } else {
        "about the same".to_owned()
    }
}

fn lowest(figures: &[Figure]) -> usize {
    let all = figures.iter().enumerate();
    let least = all.min_by(|(_, one), (_, other)| one.value.total_cmp(&other.value));
    least.map_or(0, |(at, _)| at)
}

/// `a, b and c`.
fn list(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// The name at the start of a sentence.
fn capital(transport: Transport) -> String {
    let name = transport.as_str();
    let (first, rest) = name.split_at(1);
    first.to_uppercase() + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::sample::outcome;

    /// `transport` with so many wire bytes and microseconds of CPU for each of its 3,000 deliveries.
    fn costing(transport: Transport, bytes: u64, cpu_us: f64, p50: u64) -> Outcome {
        let mut outcome = outcome(transport);
        outcome.wire_bytes_in = 0;
        outcome.wire_bytes_out = bytes * outcome.deliveries;
        outcome.server_cpu_s = Some(cpu_us * outcome.deliveries as f64 / 1e6);
        if let Some(delays) = &mut outcome.delay_us {
            delays.p50 = p50;
            delays.p99 = 2 * p50;
        }
        outcome
    }

    fn said(runs: Vec<Outcome>) -> String {
        let mut order: Vec<Transport> = Vec::new();
        for run in &runs {
            if !order.contains(&run.transport) {
                order.push(run.transport);
            }
        }
        verdict(&Comparison::of(runs, &order))
    }

    fn assert_says(text: &str, words: &[&str]) {
        for word in words {
            assert!(text.contains(word), "{word:?} is not in {text:?}");
        }
        assert!(text.matches(". ").count() <= 1, "two sentences: {text:?}");
        assert!(text.ends_with('.'), "{text:?}");
    }

    #[test]
    fn stream_wins_where_it_costs_less_and_is_faster() {
        let text = said(vec![
            costing(Transport::Poll, 1000, 12.0, 1_000_000),
            costing(Transport::Stream, 250, 6.0, 400),
        ]);
        assert_says(
            &text,
            &[
                "Stream costs least, 250 wire bytes and 6.00 µs of server CPU a delivery",
                "poll takes 4.00 times the bytes and 2.00 times the CPU",
                "Nor is any faster",
                "1.00 s by poll and 400 µs by stream",
            ],
        );
    }

    #[test]
    fn poll_wins_where_many_messages_share_an_answer_at_the_price_of_delay() {
        let text = said(vec![
            costing(Transport::Poll, 200, 2.0, 1_000_000),
            costing(Transport::Stream, 250, 6.0, 400),
        ]);
        assert_says(
            &text,
            &[
                "Poll costs least",
                "stream takes 1.25 times the bytes and 3.00 times the CPU",
                "The price is delay",
            ],
        );
    }

    #[test]
    fn where_each_is_best_at_something_both_are_named() {
        let text = said(vec![
            costing(Transport::Poll, 500, 2.0, 1_000_000),
            costing(Transport::Stream, 250, 6.0, 400),
        ]);
        assert_says(
            &text,
            &[
                "None costs least in everything",
                "stream takes least bytes, 250 wire bytes a delivery (poll 2.00 times the)",
                "poll takes least CPU, 2.00 µs of server CPU a delivery (stream 3.00 times the)",
            ],
        );
    }

    #[test]
    fn what_is_within_the_noise_is_a_tie() {
        let text = said(vec![
            costing(Transport::LongPoll, 251, 6.3, 420),
            costing(Transport::Stream, 250, 6.0, 400),
        ]);
        assert_says(
            &text,
            &["cost the same", "long-poll takes 251", "stream takes 250"],
        );
    }

    #[test]
    fn ranges_of_repeated_runs_decide_and_not_the_margin() {
        let runs = |poll: [f64; 2]| {
            let mut runs = Vec::new();
            for (poll, stream) in poll.into_iter().zip([6.0, 6.2]) {
                runs.push(costing(Transport::Poll, 250, poll, 400));
                runs.push(costing(Transport::Stream, 250, stream, 400));
            }
            said(runs)
        };
        assert_says(&runs([6.1, 9.0]), &["cost the same"]);
        assert_says(
            &runs([6.4, 6.5]),
            &["Stream costs least", "about the same bytes and 1.06 times"],
        );
    }

    #[test]
    fn there_is_no_verdict_on_what_lost_a_message() {
        let mut lossy = costing(Transport::Stream, 250, 6.0, 400);
        lossy.missed = 1;
        lossy.deliveries -= 1;
        let poll = costing(Transport::Poll, 1000, 12.0, 1_000_000);
        let text = said(vec![poll, lossy.clone()]);
        assert_says(&text, &["No verdict on stream", "Poll: 1,000 wire bytes"]);
        assert!(!text.contains("Stream costs"), "{text}");
        assert_says(&said(vec![lossy]), &["No verdict on stream"]);
        assert_says(&said(Vec::new()), &["nothing was measured"]);
    }

    #[test]
    fn a_limit_of_the_load_generator_is_no_delay_of_the_server() {
        let mut stream = costing(Transport::Stream, 250, 6.0, 400_000);
        stream.load.limited = true;
        let text = said(vec![
            costing(Transport::Poll, 1000, 12.0, 1_000_000),
            stream,
        ]);
        assert_says(
            &text,
            &["load generator was at its limit or held up with stream"],
        );
        assert!(!text.contains("400 ms"), "{text}");
    }

    #[test]
    fn without_the_servers_cpu_time_bytes_decide() {
        let mut outcomes = vec![
            costing(Transport::Poll, 1000, 12.0, 1_000_000),
            costing(Transport::Stream, 250, 6.0, 400),
        ];
        outcomes
            .iter_mut()
            .for_each(|outcome| outcome.server_cpu_s = None);
        let text = said(outcomes);
        assert_says(
            &text,
            &[
                "Stream costs least, 250 wire bytes a delivery",
                "4.00 times the bytes",
            ],
        );
        assert!(!text.contains("CPU"), "{text}");
    }
}
