//! Polling compared with SSE over each protocol, at a few loads of the matrix.

use poll_vs_sse_instrument::{RunResult, Transport};
use poll_vs_sse_model::{Protocol, RequestHead, WireForm};
use serde::{Deserialize, Serialize};

use super::number::{count, plain, three_digits};
use super::part::Part;
use super::provenance::Provenance;
use super::spread::{Spread, ratio, spread};

/// The results of a run.
#[derive(Debug, Serialize, Deserialize)]
pub struct ProtocolsRun {
    pub about: Provenance,
    pub runs: Vec<ProtocolMeasurement>,
}

/// The HTTP version, and whether it is over TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WireProtocol {
    Http1,
    Http1Tls,
    H2Tls,
}

/// One transport over one protocol under one load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProtocolCell {
    pub spoken: WireProtocol,
    pub transport: Transport,
    pub head: RequestHead,
    pub cookie_bytes: usize,
    pub clients: usize,
    /// Messages a second.
    pub rate: f64,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct ProtocolMeasurement {
    #[serde(flatten)]
    pub of: ProtocolCell,
    pub round: u32,
    pub outcome: RunResult,
}

impl WireProtocol {
    pub const ALL: [Self; 3] = [Self::Http1, Self::Http1Tls, Self::H2Tls];

    /// The same as the model's type.
    pub fn form(self) -> WireForm {
        match self {
            Self::Http1 => WireForm::new(Protocol::Http1, false),
            Self::Http1Tls => WireForm::new(Protocol::Http1, true),
            Self::H2Tls => WireForm::new(Protocol::Http2, true),
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Http1 => "HTTP/1.1",
            Self::Http1Tls => "HTTP/1.1 over TLS",
            Self::H2Tls => "HTTP/2 over TLS",
        }
    }
}

impl ProtocolCell {
    /// `Chromium's, cookie of 1 KiB`.
    pub fn head_name(&self) -> String {
        let head = match self.head {
            RequestHead::Bare => "bare",
            RequestHead::Curl => "curl's",
            RequestHead::Chrome => "Chromium's",
            RequestHead::Firefox => "Firefox'",
        };
        match self.cookie_bytes {
            0 => head.to_owned(),
            bytes => format!("{head}, cookie of {} KiB", bytes / 1024),
        }
    }

    /// The stream that polls are compared with. It makes few requests, so their heads hardly matter.
    fn stream(&self) -> Self {
        Self {
            transport: Transport::Stream,
            head: RequestHead::Chrome,
            cookie_bytes: 0,
            ..self.clone()
        }
    }
}

impl ProtocolMeasurement {
    /// CPU as a share of a core.
    pub fn cpu(&self) -> Option<f64> {
        Some(self.outcome.server_cpu_s? / self.outcome.duration_s)
    }

    /// Wire bytes a second in both directions.
    pub fn wire(&self) -> Option<f64> {
        let outcome = &self.outcome;
        Some((outcome.wire_bytes_in + outcome.wire_bytes_out) as f64 / outcome.duration_s)
    }

    fn delivery_bytes(&self) -> Option<f64> {
        Some(self.wire()? * self.outcome.duration_s / self.outcome.arrivals as f64)
    }

    fn delivery_us(&self) -> Option<f64> {
        Some(self.outcome.server_cpu_s? * 1e6 / self.outcome.arrivals as f64)
    }

    fn request_bytes(&self) -> Option<f64> {
        let outcome = &self.outcome;
        Some(outcome.wire_bytes_in as f64 / outcome.requests as f64)
    }

    /// For a terminal.
    pub fn line(&self) -> String {
        format!(
            "round {} {:<17} {:<10} {} clients, {}/s, {}: {} B and {} µs a delivery, load {:.0} %",
            self.round,
            self.of.spoken.name(),
            self.of.transport.to_string(),
            self.of.clients,
            self.of.rate,
            self.of.head_name(),
            self.delivery_bytes().map_or_else(String::new, three_digits),
            self.delivery_us().map_or_else(String::new, three_digits),
            self.outcome.load.cpu_share * 100.0,
        )
    }
}

impl ProtocolsRun {
    fn runs_of<'a>(
        &'a self,
        cell: &'a ProtocolCell,
    ) -> impl Iterator<Item = &'a ProtocolMeasurement> {
        self.runs.iter().filter(move |run| run.of == *cell)
    }

    pub fn figure(
        &self,
        cell: &ProtocolCell,
        figure: fn(&ProtocolMeasurement) -> Option<f64>,
    ) -> Option<Spread> {
        spread(self.runs_of(cell).filter_map(figure))
    }

    /// The ratio of a figure of two cells in the same round.
    fn ratio(
        &self,
        cell: &ProtocolCell,
        to: &ProtocolCell,
        figure: fn(&ProtocolMeasurement) -> Option<f64>,
    ) -> Option<Spread> {
        let ratios = self.runs_of(cell).filter_map(|run| {
            let base = self.runs_of(to).find(|base| base.round == run.round)?;
            Some(figure(run)? / figure(base)?)
        });
        spread(ratios)
    }

    /// The distinct cells, by load and protocol.
    pub fn cells(&self) -> Vec<&ProtocolCell> {
        let mut cells: Vec<&ProtocolCell> = Vec::new();
        for run in &self.runs {
            if !cells.contains(&&run.of) {
                cells.push(&run.of);
            }
        }
        let position = |cell: &ProtocolCell| {
            let spoken = WireProtocol::ALL.iter().position(|it| *it == cell.spoken);
            let is_poll = cell.transport == Transport::Poll;
            let is_bare = cell.head == RequestHead::Bare;
            (cell.clients, spoken, is_poll, !is_bare, cell.cookie_bytes)
        };
        cells.sort_by_key(|cell| position(cell));
        cells
    }
}

impl Part for ProtocolsRun {
    const TITLE: &'static str = "The same over TLS and HTTP/2";
    const FILE: &'static str = "compare-protocols.json";
    const ROWS: &'static str = "runs";

    fn about(&mut self) -> &mut Provenance {
        &mut self.about
    }

    fn report(&self) -> String {
        let mut text = "The server has one worker. Texts have 100 bytes, clients poll once a second, and each client \
                        has its own connection. Bytes count both directions, heads included; CPU is the server's, \
                        publishing included. The figures for polling are ratios to SSE over the same protocol in the \
                        same round.\n\n\
                        | clients | messages/s | protocol | head | a request, bytes | SSE: a delivery, bytes | µs | polling: bytes | CPU |\n\
                        |---|---|---|---|---|---|---|---|---|"
            .to_owned();
        let short =
            |figure: Option<Spread>| figure.map_or("–".to_owned(), |it| three_digits(it.median));
        let cells = self.cells().into_iter();
        for cell in cells.filter(|cell| cell.transport == Transport::Poll) {
            let stream = cell.stream();
            text += &format!(
                "\n| {} | {} | {} | {} | {} | {} | {} | {} | {} |",
                count(cell.clients as u64),
                plain(cell.rate),
                cell.spoken.name(),
                cell.head_name(),
                short(self.figure(cell, ProtocolMeasurement::request_bytes)),
                short(self.figure(&stream, ProtocolMeasurement::delivery_bytes)),
                short(self.figure(&stream, ProtocolMeasurement::delivery_us)),
                ratio(self.ratio(cell, &stream, ProtocolMeasurement::wire)),
                ratio(self.ratio(cell, &stream, ProtocolMeasurement::cpu)),
            );
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_name_includes_its_cookie_and_all_polls_are_compared_with_one_stream() {
        let cell = ProtocolCell {
            spoken: WireProtocol::H2Tls,
            transport: Transport::Poll,
            head: RequestHead::Chrome,
            cookie_bytes: 4096,
            clients: 100,
            rate: 10.0,
        };
        assert_eq!(cell.head_name(), "Chromium's, cookie of 4 KiB");
        let stream = cell.stream();
        assert_eq!(
            (stream.cookie_bytes, stream.spoken),
            (0, WireProtocol::H2Tls)
        );
        assert_eq!(stream.transport, Transport::Stream);
    }
}
