//! A log of ten million messages, compared with one of a hundredth of that.

use serde::{Deserialize, Serialize};

use super::super::number::{count, milliseconds, three_digits};
use super::super::part::Part;
use super::super::provenance::Provenance;
use super::super::spread::{Spread, spread};

/// The results of a run.
#[derive(Debug, Serialize, Deserialize)]
pub struct LongLogRun {
    pub about: Provenance,
    /// The version of the NATS server.
    pub nats: Option<String>,
    /// Messages in the answer to one poll.
    pub page: usize,
    /// The longest time for which a reader caught up, in seconds.
    #[serde(default = "default_catching_up_s")]
    pub catching_up_s: u64,
    pub logs: Vec<LogMeasurement>,
}

/// One store with a log of one length.
#[derive(Debug, Serialize, Deserialize)]
pub struct LogMeasurement {
    pub store: String,
    pub messages: u64,
    pub disk_bytes: u64,
    /// The time to append all messages, many at a time.
    pub append_s: f64,
    /// Seconds from starting the server to its first answer with the newest messages.
    pub start_s: Vec<f64>,
    /// Microseconds of a poll, at each position in the log.
    pub beginning_us: Vec<u64>,
    pub middle_us: Vec<u64>,
    pub end_us: Vec<u64>,
    /// A reader that starts at the first message, and in a short log repeats that: the messages it received, and the
    /// time that took.
    pub caught_up_messages: u64,
    pub caught_up_bytes: u64,
    pub caught_up_s: f64,
}

/// The limit in runs that did not record it yet.
fn default_catching_up_s() -> u64 {
    30
}

impl LogMeasurement {
    fn bytes_per_second(&self) -> f64 {
        self.caught_up_bytes as f64 / self.caught_up_s
    }
}

impl LongLogRun {
    /// A point for the documentation's summary.
    pub fn summary_point(&self) -> Option<String> {
        let longest = self.logs.iter().map(|log| log.messages).max()?;
        let starts = self.logs.iter().filter(|log| log.messages == longest);
        let starts: Vec<_> = starts
            .filter_map(|log| {
                let start = spread(log.start_s.iter().copied())?;
                Some(format!(
                    "{} s with {}",
                    three_digits(start.median),
                    log.store
                ))
            })
            .collect();
        Some(format!(
            "**A log of {} messages** has its first answer after {}.",
            count(longest),
            starts.join(", ")
        ))
    }
}

impl Part for LongLogRun {
    const TITLE: &'static str = "A long log";
    const FILE: &'static str = "growth-log.json";
    const ROWS: &'static str = "logs";

    fn about(&mut self) -> &mut Provenance {
        &mut self.about
    }

    fn report(&self) -> String {
        report(self)
    }
}

fn report(run: &LongLogRun) -> String {
    let mut text = format!(
        "The log has one room. `after` is the time of a poll for {} messages after a cursor at the beginning, the \
         middle and the end of the log: median (range). Catching up is one stream from the first message, whose ids \
         are checked for gaps, for {} s at most. Square brackets give the ratio to the shorter log.\n\n\
         | store | messages | on disk | start to first answer | after, beginning | middle | end | catching up |\n\
         |---|---|---|---|---|---|---|---|",
        run.page, run.catching_up_s
    );
    for log in &run.logs {
        let base = run
            .logs
            .iter()
            .filter(|other| other.store == log.store)
            .min_by_key(|other| other.messages)
            .filter(|base| base.messages < log.messages);
        let times = |of: &dyn Fn(&LogMeasurement) -> Option<f64>| {
            let ratio = base.and_then(|base| Some(of(log)? / of(base)?));
            ratio.map_or(String::new(), |ratio| format!(" [{}]", three_digits(ratio)))
        };
        let after = |of: fn(&LogMeasurement) -> &[u64]| {
            let us = |log: &LogMeasurement| spread(of(log).iter().map(|us| *us as f64));
            let Some(spread) = us(log) else {
                return "–".to_owned();
            };
            let Spread {
                median, min, max, ..
            } = spread;
            format!(
                "{} ({}–{}) ms{}",
                milliseconds(median),
                milliseconds(min),
                milliseconds(max),
                times(&|log| Some(us(log)?.median))
            )
        };
        let start = |log: &LogMeasurement| Some(spread(log.start_s.iter().copied())?.median);
        text += &format!(
            "\n| {} | {} | {} MB | {} s{} | {} | {} | {} | {} MB/s, {} messages/s{} |",
            log.store,
            count(log.messages),
            three_digits(log.disk_bytes as f64 / 1e6),
            start(log).map_or("–".to_owned(), three_digits),
            times(&start),
            after(|log| &log.beginning_us),
            after(|log| &log.middle_us),
            after(|log| &log.end_us),
            three_digits(log.bytes_per_second() / 1e6),
            three_digits(log.caught_up_messages as f64 / log.caught_up_s),
            times(&|log| Some(log.bytes_per_second())),
        );
    }
    text
}
