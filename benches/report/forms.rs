//! The cost of request heads: polls, deliveries and idle subscribers over each form of HTTP.

use poll_vs_sse_instrument::RunResult;
use poll_vs_sse_model::RequestHead;
use serde::{Deserialize, Serialize};

use super::number::{count, target_verdict, three_digits};
use super::part::Part;
use super::provenance::Provenance;
use super::spread::{self, Spread, spread};

/// The results of a run.
#[derive(Debug, Serialize, Deserialize)]
pub struct FormsRun {
    pub about: Provenance,
    pub runs: Vec<FormMeasurement>,
}

/// A form of HTTP, and the part of the server that serves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HttpForm {
    /// HTTP/1.1 without TLS, served by the accelerator.
    Accelerator,
    /// HTTP/1.1 without TLS, served by actix-web like all other forms.
    OrdinaryWay,
    Http1Tls,
    H2,
    H2Tls,
}

/// An operation that the bench measures over each protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// A poll on a kept-alive connection, nearly always empty.
    Poll,
    PollOnNewConnection,
    /// A poll on a kept-alive connection, at the rate of those on new ones: rarer polls cost more, because the server
    /// sleeps between them. Older runs do not have it.
    RarePoll,
    /// A message to one of a thousand streams.
    Delivery,
    /// An idle stream.
    Idle,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct FormMeasurement {
    pub form: HttpForm,
    pub what: Operation,
    pub head: RequestHead,
    pub cookie_bytes: usize,
    pub round: u32,
    pub outcome: RunResult,
}

impl HttpForm {
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

impl Operation {
    pub const ALL: [Self; 5] = [
        Self::Poll,
        Self::PollOnNewConnection,
        Self::RarePoll,
        Self::Delivery,
        Self::Idle,
    ];
}

impl FormMeasurement {
    /// `figure` for each delivery, or for each request of polls.
    fn per_unit(&self, figure: f64) -> f64 {
        let units = match self.what {
            Operation::Delivery | Operation::Idle => self.outcome.arrivals,
            Operation::Poll | Operation::PollOnNewConnection | Operation::RarePoll => {
                self.outcome.requests
            }
        };
        figure / units as f64
    }

    fn cpu_us(&self) -> Option<f64> {
        Some(self.per_unit(self.outcome.server_cpu_s? * 1e6))
    }

    fn bytes_in(&self) -> Option<f64> {
        Some(self.per_unit(self.outcome.wire_bytes_in as f64))
    }

    fn bytes_out(&self) -> Option<f64> {
        Some(self.per_unit(self.outcome.wire_bytes_out as f64))
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
            self.bytes_in().map_or_else(String::new, three_digits),
            self.bytes_out().map_or_else(String::new, three_digits),
            self.cpu_us().map_or_else(String::new, three_digits),
            self.idle_kib().map_or_else(String::new, three_digits),
            self.outcome.load.cpu_share * 100.0,
        )
    }
}

impl FormsRun {
    fn runs_of(
        &self,
        form: HttpForm,
        what: Operation,
        head: RequestHead,
        cookie_bytes: usize,
    ) -> impl Iterator<Item = &FormMeasurement> {
        self.runs.iter().filter(move |run| {
            (run.form, run.what, run.head, run.cookie_bytes) == (form, what, head, cookie_bytes)
        })
    }

    /// A figure with Chromium's head and no cookie.
    fn figure(
        &self,
        form: HttpForm,
        what: Operation,
        of: fn(&FormMeasurement) -> Option<f64>,
    ) -> Option<Spread> {
        spread(
            self.runs_of(form, what, RequestHead::Chrome, 0)
                .filter_map(of),
        )
    }

    /// The server's CPU for a TLS handshake in microseconds: the cost of a new connection with TLS minus that without.
    pub fn handshake_us(&self) -> Option<f64> {
        let extra = |form| {
            let median = |what| Some(self.figure(form, what, FormMeasurement::cpu_us)?.median);
            let kept = median(Operation::RarePoll).or_else(|| median(Operation::Poll));
            Some(median(Operation::PollOnNewConnection)? - kept?)
        };
        Some(extra(HttpForm::Http1Tls)? - extra(HttpForm::Accelerator)?)
    }

    /// CPU relative to HTTP/1.1 through actix-web in the same round: that differs from `form` only in the form of HTTP.
    fn cpu_ratio(&self, form: HttpForm, what: Operation) -> Option<Spread> {
        self.ratio((form, what), (HttpForm::OrdinaryWay, what))
    }

    /// The CPU of a poll on a new connection, relative to one on a kept connection at the same rate.
    fn new_connection_ratio(&self, form: HttpForm) -> Option<Spread> {
        self.ratio(
            (form, Operation::PollOnNewConnection),
            (form, Operation::RarePoll),
        )
    }

    /// CPU relative to `base` in the same round.
    fn ratio(&self, of: (HttpForm, Operation), base: (HttpForm, Operation)) -> Option<Spread> {
        let runs = |(form, what)| self.runs_of(form, what, RequestHead::Chrome, 0);
        spread(runs(of).filter_map(|run| {
            let base = runs(base).find(|base| base.round == run.round)?;
            Some(run.cpu_us()? / base.cpu_us()?)
        }))
    }

    /// Polls a second on new connections.
    fn new_connection_rate(&self) -> Option<Spread> {
        let runs = self.runs.iter();
        let runs = runs.filter(|run| run.what == Operation::PollOnNewConnection);
        spread(runs.map(|run| run.outcome.requests as f64 / run.outcome.duration_s))
    }
}

impl Part for FormsRun {
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

fn median_cell(spread: Option<Spread>) -> String {
    spread.map_or("–".to_owned(), |it| three_digits(it.median))
}

fn costs(run: &FormsRun) -> String {
    let mut text = "The server has one worker and a store in memory. Requests have Chromium's head without a cookie, \
                    and each client has its own connection. A poll uses a kept connection and is nearly always \
                    empty. A delivery brings 100 bytes of text to one of 1,000 streams, each of which gets ten a \
                    second; its figure includes its part of the publishing. An idle stream is one of 2,000. Ratios \
                    are to the ordinary way through actix-web, which serves all forms but the first.\n\n\
                    | form | poll, bytes up / down | poll, CPU µs | against the ordinary way | delivery, bytes | delivery, CPU µs | against the ordinary way | idle stream, KiB |\n\
                    |---|---|---|---|---|---|---|---|"
        .to_owned();
    for form in HttpForm::ALL {
        text += &format!(
            "\n| {} | {} / {} | {} | {} | {} | {} | {} | {} |",
            form.name(),
            median_cell(run.figure(form, Operation::Poll, FormMeasurement::bytes_in)),
            median_cell(run.figure(form, Operation::Poll, FormMeasurement::bytes_out)),
            median_cell(run.figure(form, Operation::Poll, FormMeasurement::cpu_us)),
            spread::ratio(run.cpu_ratio(form, Operation::Poll)),
            median_cell(run.figure(form, Operation::Delivery, FormMeasurement::bytes_out)),
            median_cell(run.figure(form, Operation::Delivery, FormMeasurement::cpu_us)),
            spread::ratio(run.cpu_ratio(form, Operation::Delivery)),
            median_cell(run.figure(form, Operation::Idle, FormMeasurement::idle_kib)),
        );
    }
    text
}

fn heads(run: &FormsRun) -> String {
    let rate = run.new_connection_rate();
    let mut text = format!(
        "The table shows the same poll with other heads and cookies, and on a new connection: bytes up / down, and CPU \
         in µs. § is of a single run, all others are medians. On new connections there are {} polls a second, fewer \
         than the others, and a poll costs more if the server has slept before it. So their CPU is compared with that \
         of polls on kept connections at the same rate. The load generator's HTTP/2 library sends cookies and paths in \
         full each time, because both may be secrets. A browser sends a reference to a cookie that it has sent before, \
         if the cookie fits into the table of 4,096 bytes that both sides keep; [`plan`](model.md) assumes this.\n\n\
         | form | bare head | Chromium's | cookie of 1 KiB | cookie of 4 KiB | Chromium's, a new connection each | kept \
         connections at that rate | CPU, new against kept |\n\
         |---|---|---|---|---|---|---|---|",
        rate.map_or("–".to_owned(), |it| count(it.median.round() as u64)),
    );
    let of = [
        (Operation::Poll, RequestHead::Bare, 0),
        (Operation::Poll, RequestHead::Chrome, 0),
        (Operation::Poll, RequestHead::Chrome, 1024),
        (Operation::Poll, RequestHead::Chrome, 4096),
        (Operation::PollOnNewConnection, RequestHead::Chrome, 0),
        (Operation::RarePoll, RequestHead::Chrome, 0),
    ];
    for form in HttpForm::ALL {
        let cells = of.map(|(what, head, cookie)| head_cell(run, form, what, head, cookie));
        text += &format!(
            "\n| {} | {} | {} |",
            form.name(),
            cells.join(" | "),
            spread::ratio(run.new_connection_ratio(form))
        );
    }
    text
}

/// Bytes and CPU of a poll, with a mark if they are of a single run.
fn head_cell(
    run: &FormsRun,
    form: HttpForm,
    what: Operation,
    head: RequestHead,
    cookie: usize,
) -> String {
    let figure = |of: fn(&FormMeasurement) -> Option<f64>| {
        spread(run.runs_of(form, what, head, cookie).filter_map(of))
    };
    let Some(up) = figure(FormMeasurement::bytes_in) else {
        return "–".to_owned();
    };
    format!(
        "{} / {}, {} µs{}",
        count(up.median.round() as u64),
        median_cell(figure(FormMeasurement::bytes_out)),
        median_cell(figure(FormMeasurement::cpu_us)),
        if up.count == 1 { " §" } else { "" },
    )
}

fn targets(run: &FormsRun) -> String {
    let form = HttpForm::H2Tls;
    let verdict = |what: &str, figure: Option<Spread>, unit: &str, target: f64| {
        let figure = figure?;
        let outcome = target_verdict(figure.median <= target);
        Some(format!(
            "- {what}: {}{unit}, target at most {target}{unit}: {outcome}",
            figure.ratio()
        ))
    };
    let lines = [
        verdict(
            "a delivery over HTTP/2 and TLS, against HTTP/1.1 the ordinary way",
            run.cpu_ratio(form, Operation::Delivery),
            "",
            1.6,
        ),
        verdict(
            "an empty poll on a kept connection over HTTP/2 and TLS, against HTTP/1.1 the ordinary way",
            run.cpu_ratio(form, Operation::Poll),
            "",
            1.7,
        ),
        verdict(
            "an idle stream over HTTP/2 and TLS",
            run.figure(form, Operation::Idle, FormMeasurement::idle_kib),
            " KiB",
            34.0,
        ),
    ];
    let lines: Vec<String> = lines.into_iter().flatten().collect();
    format!("Against the targets:\n\n{}", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use poll_vs_sse_instrument::Transport;

    use super::super::test_fixtures::{about, outcome};
    use super::*;

    fn poll(what: Operation, round: u32, cpu_us: f64) -> FormMeasurement {
        let outcome = outcome(Transport::Poll, round);
        FormMeasurement {
            form: HttpForm::Http1Tls,
            what,
            head: RequestHead::Chrome,
            cookie_bytes: 0,
            round,
            outcome: RunResult {
                server_cpu_s: Some(outcome.requests as f64 * cpu_us / 1e6),
                ..outcome
            },
        }
    }

    #[test]
    fn a_new_connection_is_compared_with_kept_ones_at_the_same_rate_in_the_same_round() {
        let mut run = FormsRun {
            about: about(),
            runs: vec![
                poll(Operation::Poll, 1, 40.0),
                poll(Operation::PollOnNewConnection, 1, 400.0),
            ],
        };
        assert!(run.new_connection_ratio(HttpForm::Http1Tls).is_none());
        run.runs.push(poll(Operation::RarePoll, 2, 50.0));
        run.runs.push(poll(Operation::RarePoll, 1, 100.0));
        let ratio = run.new_connection_ratio(HttpForm::Http1Tls).expect("both");
        assert!((ratio.median - 4.0).abs() < 1e-9 && ratio.count == 1);
    }

    #[test]
    fn figures_of_a_single_run_are_marked() {
        let mut run = FormsRun {
            about: about(),
            runs: vec![poll(Operation::Poll, 1, 40.0)],
        };
        let cell = |run: &FormsRun| {
            head_cell(
                run,
                HttpForm::Http1Tls,
                Operation::Poll,
                RequestHead::Chrome,
                0,
            )
        };
        assert_eq!(cell(&run), "10 / 10.0, 40.0 µs §");
        run.runs.push(poll(Operation::Poll, 2, 40.0));
        assert_eq!(cell(&run), "10 / 10.0, 40.0 µs");
    }
}
