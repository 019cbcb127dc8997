//! What a head costs: polls, deliveries and idle subscribers over each form of HTTP.

use poll_vs_sse_instrument::RunResult;
use poll_vs_sse_model::RequestHead;
use serde::{Deserialize, Serialize};

use super::number::{count, outcome, three};
use super::part::Part;
use super::provenance::Provenance;
use super::spread::{self, Spread, spread};

/// All that was measured.
#[derive(Debug, Serialize, Deserialize)]
pub struct Forms {
    pub about: Provenance,
    pub runs: Vec<Run>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// HTTP/1.1 without TLS over the accelerator.
    Accelerator,
    /// HTTP/1.1 without TLS over actix-web, as every other form goes.
    OrdinaryWay,
    Http1Tls,
    H2,
    H2Tls,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// A poll on a kept connection, nearly always empty.
    Poll,
    PollOnNewConnection,
    /// A message to one of a thousand streams.
    Delivery,
    /// An idle stream.
    Idle,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Run {
    pub form: Form,
    pub what: What,
    pub head: RequestHead,
    pub cookie_bytes: usize,
    pub round: u32,
    pub outcome: RunResult,
}

impl Form {
    pub const ALL: [Self; 5] = [
        Self::Accelerator,
        Self::OrdinaryWay,
        Self::Http1Tls,
        Self::H2,
        Self::H2Tls,
    ];

    pub fn is_tls(self) -> bool {
        matches!(self, Self::Http1Tls | Self::H2Tls)
    }

    pub fn is_http2(self) -> bool {
        matches!(self, Self::H2 | Self::H2Tls)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Accelerator => "HTTP/1.1, the accelerator",
            Self::OrdinaryWay => "HTTP/1.1, the ordinary way",
            Self::Http1Tls => "HTTP/1.1 over TLS",
            Self::H2 => "HTTP/2",
            Self::H2Tls => "HTTP/2 over TLS",
        }
    }
}

impl What {
    pub const ALL: [Self; 4] = [
        Self::Poll,
        Self::PollOnNewConnection,
        Self::Delivery,
        Self::Idle,
    ];
}

impl Run {
    /// Of a delivery or of a request, whichever it is about.
    fn each(&self, figure: f64) -> f64 {
        let units = match self.what {
            What::Delivery | What::Idle => self.outcome.arrivals,
            What::Poll | What::PollOnNewConnection => self.outcome.requests,
        };
        figure / units as f64
    }

    fn cpu_us(&self) -> Option<f64> {
        Some(self.each(self.outcome.server_cpu_s? * 1e6))
    }

    fn bytes_in(&self) -> Option<f64> {
        Some(self.each(self.outcome.wire_bytes_in as f64))
    }

    fn bytes_out(&self) -> Option<f64> {
        Some(self.each(self.outcome.wire_bytes_out as f64))
    }

    fn idle_kib(&self) -> Option<f64> {
        Some(self.outcome.server_memory_bytes_per_client()? / 1024.0)
    }

    /// For a terminal.
    pub fn line(&self) -> String {
        format!(
            "round {} {:<27} {:?} {:?}, cookie {}: {} B up, {} B down, {} µs, {} KiB a client, load {:.0} %",
            self.round,
            self.form.name(),
            self.what,
            self.head,
            self.cookie_bytes,
            self.bytes_in().map_or_else(String::new, three),
            self.bytes_out().map_or_else(String::new, three),
            self.cpu_us().map_or_else(String::new, three),
            self.idle_kib().map_or_else(String::new, three),
            self.outcome.load.cpu_share * 100.0,
        )
    }
}

impl Forms {
    fn of(
        &self,
        form: Form,
        what: What,
        head: RequestHead,
        cookie_bytes: usize,
    ) -> impl Iterator<Item = &Run> {
        self.runs.iter().filter(move |run| {
            (run.form, run.what, run.head, run.cookie_bytes) == (form, what, head, cookie_bytes)
        })
    }

    /// A figure with Chromium's head and no cookie.
    fn figure(&self, form: Form, what: What, of: fn(&Run) -> Option<f64>) -> Option<Spread> {
        spread(self.of(form, what, RequestHead::Chrome, 0).filter_map(of))
    }

    /// Microseconds of a server's CPU that a TLS handshake takes: what a new connection costs over TLS beyond what it costs
    /// without.
    pub fn handshake_us(&self) -> Option<f64> {
        let extra = |form| {
            let median = |what| Some(self.figure(form, what, Run::cpu_us)?.median);
            Some(median(What::PollOnNewConnection)? - median(What::Poll)?)
        };
        Some(extra(Form::Http1Tls)? - extra(Form::Accelerator)?)
    }

    /// CPU over that of the ordinary way in the same round, which is what the forms have in common but for the form.
    fn cpu_ratio(&self, form: Form, what: What) -> Option<Spread> {
        let runs = self.of(form, what, RequestHead::Chrome, 0);
        spread(runs.filter_map(|run| {
            let mut bases = self.of(Form::OrdinaryWay, what, RequestHead::Chrome, 0);
            let base = bases.find(|base| base.round == run.round)?;
            Some(run.cpu_us()? / base.cpu_us()?)
        }))
    }
}

impl Part for Forms {
    const TITLE: &'static str = "What a head costs";
    const FILE: &'static str = "forms.json";
    const ROWS: &'static str = "runs";

    fn about(&mut self) -> &mut Provenance {
        &mut self.about
    }

    fn report(&self) -> String {
        [costs(self), heads(self), targets(self)].join("\n\n")
    }
}

fn number(spread: Option<Spread>) -> String {
    spread.map_or("–".to_owned(), |it| three(it.median))
}

fn costs(run: &Forms) -> String {
    let mut text = "One worker, a store in memory, Chromium's head without a cookie, a connection for each client. A poll is on a kept \
                    connection and nearly always empty; a delivery is of 100 bytes of text to one of 1,000 streams, ten a second to \
                    each, with its part of the publishing; an idle stream is one of 2,000. Ratios are to the ordinary way through \
                    actix-web, which all forms but the first take.\n\n\
                    | form | poll, bytes up / down | poll, CPU µs | against the ordinary way | delivery, bytes | delivery, CPU µs | against the ordinary way | idle stream, KiB |\n\
                    |---|---|---|---|---|---|---|---|"
        .to_owned();
    for form in Form::ALL {
        text += &format!(
            "\n| {} | {} / {} | {} | {} | {} | {} | {} | {} |",
            form.name(),
            number(run.figure(form, What::Poll, Run::bytes_in)),
            number(run.figure(form, What::Poll, Run::bytes_out)),
            number(run.figure(form, What::Poll, Run::cpu_us)),
            spread::ratio(run.cpu_ratio(form, What::Poll)),
            number(run.figure(form, What::Delivery, Run::bytes_out)),
            number(run.figure(form, What::Delivery, Run::cpu_us)),
            spread::ratio(run.cpu_ratio(form, What::Delivery)),
            number(run.figure(form, What::Idle, Run::idle_kib)),
        );
    }
    text
}

fn heads(run: &Forms) -> String {
    let mut text = "The same poll with other heads and cookies, and with a connection of its own, in bytes up / down, and CPU in µs. \
                    The load's HTTP/2 library sends cookies and paths in full each time, as both may be secrets. \
                    A browser sends a reference to a cookie that it has sent before, if that fits into the table of 4,096 bytes that \
                    both sides keep; [`plan`](model.md) computes with that.\n\n\
                    | form | bare head | Chromium's | cookie of 1 KiB | cookie of 4 KiB | Chromium's, a new connection each |\n\
                    |---|---|---|---|---|---|"
        .to_owned();
    let of = [
        (What::Poll, RequestHead::Bare, 0),
        (What::Poll, RequestHead::Chrome, 0),
        (What::Poll, RequestHead::Chrome, 1024),
        (What::Poll, RequestHead::Chrome, 4096),
        (What::PollOnNewConnection, RequestHead::Chrome, 0),
    ];
    for form in Form::ALL {
        let cells = of.map(|(what, head, cookie)| {
            let figure = |of: fn(&Run) -> Option<f64>| {
                spread(run.of(form, what, head, cookie).filter_map(of))
            };
            match figure(Run::bytes_in) {
                None => "–".to_owned(),
                up => format!(
                    "{} / {}, {} µs",
                    up.map_or_else(String::new, |it| count(it.median.round() as u64)),
                    number(figure(Run::bytes_out)),
                    number(figure(Run::cpu_us))
                ),
            }
        });
        text += &format!("\n| {} | {} |", form.name(), cells.join(" | "));
    }
    text
}

fn targets(run: &Forms) -> String {
    let form = Form::H2Tls;
    let verdict = |what: &str, figure: Option<Spread>, unit: &str, target: f64| {
        let figure = figure?;
        let outcome = outcome(figure.median <= target);
        Some(format!(
            "- {what}: {}{unit}, target at most {target}{unit}: {outcome}",
            figure.ratio()
        ))
    };
    let lines = [
        verdict(
            "a delivery over HTTP/2 and TLS, against the ordinary way without",
            run.cpu_ratio(form, What::Delivery),
            "",
            1.6,
        ),
        verdict(
            "an empty poll on a kept connection over HTTP/2 and TLS, against the ordinary way without",
            run.cpu_ratio(form, What::Poll),
            "",
            1.7,
        ),
        verdict(
            "an idle stream over HTTP/2 and TLS",
            run.figure(form, What::Idle, Run::idle_kib),
            " KiB",
            34.0,
        ),
    ];
    let lines: Vec<String> = lines.into_iter().flatten().collect();
    format!("Against the targets:\n\n{}", lines.join("\n"))
}
