//! Long-pollers behind caches that share answers, and behind the same proxies without caching.

use poll_vs_sse_instrument::{DelayStats, RunResult};
use serde::{Deserialize, Serialize};

use super::super::number::{count, milliseconds, plain, three_digits};
use super::super::part::Part;
use super::super::provenance::Provenance;
use super::super::spread::{Spread, spread};

/// The results of a run.
#[derive(Debug, Serialize, Deserialize)]
pub struct PollCacheRun {
    pub about: Provenance,
    pub readers: usize,
    /// Messages a second.
    pub rate: f64,
    /// The value of the server's `--poll-cache`, in runs with caching.
    pub max_age: String,
    pub runs: Vec<PollCacheMeasurement>,
}

/// The proxy in front of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Front {
    None,
    Nginx,
    Varnish,
}

/// One front in one round.
#[derive(Debug, Serialize, Deserialize)]
pub struct PollCacheMeasurement {
    pub front: Front,
    /// Whether the server runs with `--poll-cache`, and so without its accelerator, and the front shares the answers.
    pub shares: bool,
    pub window: UsageWindow,
    /// The readers' outcome. Its CPU is that of the front or, without a front, of the server.
    pub outcome: RunResult,
}

/// CPU time read from the kernel, and counts of the server's ledger, over one part of the run.
#[derive(Debug, Serialize, Deserialize)]
pub struct UsageWindow {
    /// The time over which CPU was counted, in seconds.
    pub cpu_s: f64,
    pub server_cpu_ns: u64,
    pub proxy_cpu_ns: u64,
    /// Messages published from the beginning of that time to the end of the run, and long-polls that the server
    /// answered.
    pub messages: u64,
    pub requests: u64,
}

impl Front {
    pub const ALL: [Self; 3] = [Self::None, Self::Nginx, Self::Varnish];

    pub fn name(self) -> &'static str {
        match self {
            Self::None => "nothing",
            Self::Nginx => "nginx",
            Self::Varnish => "Varnish",
        }
    }
}

impl PollCacheMeasurement {
    fn requests_per_message(&self) -> f64 {
        self.window.requests as f64 / self.window.messages as f64
    }

    /// Milliseconds of CPU for each message.
    fn cpu_ms(&self, cpu_ns: u64) -> f64 {
        let messages = self.window.cpu_s * self.outcome.published as f64 / self.outcome.duration_s;
        cpu_ns as f64 / 1e6 / messages
    }

    /// For a terminal.
    pub fn line(&self) -> String {
        format!(
            "  {:<8} {:<7} {:>7.1} requests/message  server {:>6.2} ms  front {:>6.2} ms  p50 {:>5} ms  p99 {:>5} ms",
            self.front.name(),
            if self.shares { "shared" } else { "" },
            self.requests_per_message(),
            self.cpu_ms(self.window.server_cpu_ns),
            self.cpu_ms(self.window.proxy_cpu_ns),
            delay(self, |delays| delays.p50).map_or("–".to_owned(), milliseconds),
            delay(self, |delays| delays.p99).map_or("–".to_owned(), milliseconds),
        )
    }
}

fn delay(run: &PollCacheMeasurement, of: fn(DelayStats) -> u64) -> Option<f64> {
    Some(of(run.outcome.delay_us?) as f64)
}

impl Part for PollCacheRun {
    const TITLE: &'static str = "Long-polls that caches share";
    const FILE: &'static str = "access-poll-cache.json";
    const ROWS: &'static str = "runs";

    fn about(&mut self) -> &mut Provenance {
        &mut self.about
    }

    fn report(&self) -> String {
        report(self)
    }
}

fn report(run: &PollCacheRun) -> String {
    let rounds = run.runs.iter().map(|it| it.outcome.round).max();
    let mut text = format!(
        "{} long-pollers read one room with {} message(s) a second, in an open loop. There are {} rounds, in which \
         the configurations take turns. Each front runs with its file of \
         [`deploy/poll-cache`](../deploy/poll-cache/) and the server's `--poll-cache {}`, and also without both: with \
         caching removed from that file, and with the server's accelerator, which does not serve polls that caches may \
         share. nginx keeps as many connections to the server as there are readers. Server and \
         front share one processor. Every reader got every message once and in order. The table gives medians over \
         the rounds, with the range.\n\n\
         | front | answers shared | requests at the server per message | the server's CPU a message, ms | the \
         front's CPU, ms | delay p50, ms | p99, ms |\n|---|---|---|---|---|---|---|",
        count(run.readers as u64),
        plain(run.rate),
        rounds.unwrap_or_default(),
        run.max_age,
    );
    for front in Front::ALL {
        for shares in [false, true] {
            let is_side = |it: &&PollCacheMeasurement| it.front == front && it.shares == shares;
            let runs: Vec<&PollCacheMeasurement> = run.runs.iter().filter(is_side).collect();
            if runs.is_empty() {
                continue;
            }
            let figure = |of: &dyn Fn(&PollCacheMeasurement) -> Option<f64>| {
                cell(spread(runs.iter().filter_map(|run| of(run))))
            };
            text += &format!(
                "\n| {} | {} | {} | {} | {} | {} | {} |",
                front.name(),
                if shares { "yes" } else { "no" },
                figure(&|run| Some(run.requests_per_message())),
                figure(&|run| Some(run.cpu_ms(run.window.server_cpu_ns))),
                match front {
                    Front::None => "–".to_owned(),
                    _ => figure(&|run| Some(run.cpu_ms(run.window.proxy_cpu_ns))),
                },
                figure(&|run| delay(run, |delays| delays.p50).map(|us| us / 1000.0)),
                figure(&|run| delay(run, |delays| delays.p99).map(|us| us / 1000.0)),
            );
        }
    }
    text
}

/// `12.3 (11.9–13.0)`.
fn cell(spread: Option<Spread>) -> String {
    spread.map_or("–".to_owned(), |it| match it.count {
        1 => three_digits(it.median),
        _ => format!(
            "{} ({}–{})",
            three_digits(it.median),
            three_digits(it.min),
            three_digits(it.max)
        ),
    })
}
