//! Shows progress on standard error: a bar on a terminal, otherwise plain lines from time to time.

use std::{
    io::{self, Write as _},
    sync::Arc,
    time::{Duration, Instant},
};

use console::Term;
use indicatif::{ProgressBar, ProgressStyle};
use parking_lot::Mutex;

use crate::{Progress, RunControl, run::interrupt::Interrupt};
use poll_vs_sse_model::format::with_thousands;

/// The time between two plain lines of the same kind.
const EVERY: Duration = Duration::from_secs(10);
/// The number of steps of the bar.
const STEPS: u64 = 1000;

/// Shows the progress of runs.
#[derive(Clone)]
pub struct ProgressDisplay(Arc<Mutex<DisplayState>>);

struct DisplayState {
    /// `None` if standard error is not a terminal.
    bar: Option<ProgressBar>,
    run: String,
    /// The kind and the time of the last plain line.
    last: Option<(std::mem::Discriminant<Progress>, Instant)>,
}

impl Default for ProgressDisplay {
    fn default() -> Self {
        Self::new()
    }
}

impl ProgressDisplay {
    pub fn new() -> Self {
        let bar = Term::stderr().is_term().then(|| {
            let style = ProgressStyle::with_template("{prefix} {wide_bar} {msg}");
            let bar = ProgressBar::new(STEPS);
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        });
        Self(Arc::new(Mutex::new(DisplayState {
            bar,
            run: String::new(),
            last: None,
        })))
    }

    /// A control that shows the progress of a run, and that `interrupt` ends.
    pub fn control(&self, interrupt: &Interrupt) -> RunControl {
        let screen = self.clone();
        RunControl::new(
            move |progress| screen.show(progress),
            interrupt.stop.clone(),
        )
    }

    /// The same for many short runs: without a bar, it shows only the beginning of each run.
    pub fn quiet_control(&self, interrupt: &Interrupt) -> RunControl {
        let screen = self.clone();
        let show = move |progress| match progress {
            _ if screen.has_bar() => screen.show(progress),
            Progress::Run {
                transport,
                round,
                rounds,
            } => say(&format!("{round} of {rounds}: {transport}")),
            _ => {}
        };
        RunControl::new(show, interrupt.stop.clone())
    }

    fn has_bar(&self) -> bool {
        self.0.lock().bar.is_some()
    }

    pub fn show(&self, progress: Progress) {
        let mut state = self.0.lock();
        if let Progress::Run {
            transport,
            round,
            rounds,
        } = progress
        {
            state.last = None;
            state.run = match rounds {
                1 => transport.to_string(),
                _ => format!("{transport} {round}/{rounds}"),
            };
            return;
        }
        let run = state.run.clone();
        let text = text(progress);
        if let Some(bar) = &state.bar {
            bar.set_prefix(run);
            bar.set_position((share(progress) * STEPS as f64) as u64);
            bar.set_message(text);
            return;
        }
        let kind = std::mem::discriminant(&progress);
        let is_due = match state.last {
            Some((last, at)) => last != kind || at.elapsed() >= EVERY,
            None => true,
        };
        // Short phases get no line.
        let is_brief = matches!(progress, Progress::Draining { lacking: 0 });
        if is_due && !is_brief {
            state.last = Some((kind, Instant::now()));
            say(&format!("{run}: {text}"));
        }
    }

    /// Removes the bar.
    pub fn clear(&self) {
        if let Some(bar) = &self.0.lock().bar {
            bar.finish_and_clear();
        }
    }
}

/// Writes a line to standard error, and ignores errors.
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

fn text(progress: Progress) -> String {
    match progress {
        Progress::Run { transport, .. } => transport.to_string(),
        Progress::Opening { ready, clients } => format!(
            "{} of {} clients in place",
            with_thousands(ready as u64),
            with_thousands(clients as u64)
        ),
        Progress::WarmUp { left_s } => format!("warming up, {:.0} s left", left_s.ceil()),
        Progress::Measuring {
            elapsed_s,
            total_s,
            deliveries,
        } => format!(
            "{elapsed_s:.0} of {total_s:.0} s, {} deliveries",
            with_thousands(deliveries)
        ),
        Progress::Vanished { elapsed_s, limit_s } => format!(
            "waiting for the server to drop the clients that vanished, {elapsed_s:.0} of at most {limit_s:.0} s"
        ),
        Progress::Draining { lacking } => format!("{} still under way", with_thousands(lacking)),
    }
}

/// The completed share of the current phase, 0 to 1.
fn share(progress: Progress) -> f64 {
    match progress {
        Progress::Opening { ready, clients } => ready as f64 / clients.max(1) as f64,
        Progress::Run { .. } | Progress::WarmUp { .. } => 0.0,
        Progress::Measuring {
            elapsed_s, total_s, ..
        } => elapsed_s / total_s.max(f64::EPSILON),
        Progress::Vanished { elapsed_s, limit_s } => elapsed_s / limit_s,
        Progress::Draining { .. } => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_shown_in_words_and_as_a_share() {
        let opening = Progress::Opening {
            ready: 2500,
            clients: 10_000,
        };
        assert_eq!(text(opening), "2,500 of 10,000 clients in place");
        assert_eq!(share(opening), 0.25);
        let measuring = Progress::Measuring {
            elapsed_s: 3.0,
            total_s: 30.0,
            deliveries: 1234,
        };
        assert_eq!(text(measuring), "3 of 30 s, 1,234 deliveries");
        assert_eq!(share(measuring), 0.1);
    }
}
