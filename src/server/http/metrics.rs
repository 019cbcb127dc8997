//! `GET /metrics`: the ledger's figures, read at each scrape, in the OpenMetrics text format, or in Prometheus'
//! classic format for scrapers that accept only that.

use std::{fmt, sync::Arc};

use actix_web::{
    HttpRequest, HttpResponse, Responder,
    http::{
        StatusCode,
        header::{Accept, Header as _},
    },
    web::Data,
};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::{Registry, Unit},
};

use super::{policy::Policy, problem::Problem};
use crate::{
    ledger::{
        Ledger,
        counters::{Account, CounterSnapshot, Protocol},
        histogram::BOUNDS,
    },
    limits::refusals::RefusalReason,
    log::Log,
};

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const CLASSIC: &str = "text/plain; version=0.0.4; charset=utf-8";

pub async fn metrics(
    request: HttpRequest,
    ledger: Data<Ledger>,
    log: Data<Log>,
    policy: Data<Policy>,
) -> Result<impl Responder, Problem> {
    let mut registry = Registry::with_prefix("poll_vs_sse");
    registry.register_collector(Box::new(LedgerCollector {
        ledger: ledger.into_inner(),
        log: log.into_inner(),
        policy: policy.into_inner(),
    }));
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry)
        .map_err(|error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    let (content_type, text) = match prefers_classic(&request) {
        true => (CLASSIC, to_classic(&text)),
        false => (OPEN_METRICS, text),
    };
    Ok(HttpResponse::Ok().content_type(content_type).body(text))
}

/// Whether the scraper ranks the classic format above OpenMetrics.
fn prefers_classic(request: &HttpRequest) -> bool {
    let Ok(accept) = Accept::parse(request) else {
        return false;
    };
    let ranked = accept.ranked();
    let mut known = ranked
        .iter()
        .map(|mime| mime.essence_str())
        .filter(|mime| matches!(*mime, "application/openmetrics-text" | "text/plain" | "*/*"));
    known.next() == Some("text/plain")
}

/// Converts OpenMetrics to Prometheus' classic text: the type of a counter is under the name of its samples, and
/// there are no units and no end mark.
fn to_classic(open_metrics: &str) -> String {
    let counters: Vec<&str> = open_metrics
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" counter"))
        .collect();
    let mut text = String::with_capacity(open_metrics.len());
    for line in open_metrics.lines() {
        let comment = line
            .strip_prefix("# ")
            .and_then(|comment| comment.split_once(' '));
        match comment {
            None if line == "# EOF" => {}
            Some(("UNIT", _)) => {}
            Some((keyword, rest)) => {
                let (name, rest) = rest.split_once(' ').unwrap_or((rest, ""));
                let suffix = if counters.contains(&name) {
                    "_total"
                } else {
                    ""
                };
                text += &format!("# {keyword} {name}{suffix} {rest}\n");
            }
            None => {
                text += line;
                text.push('\n');
            }
        }
    }
    text
}

struct LedgerCollector {
    ledger: Arc<Ledger>,
    log: Arc<Log>,
    policy: Arc<Policy>,
}

impl fmt::Debug for LedgerCollector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LedgerCollector")
    }
}

type Labels = [(&'static str, &'static str); 2];

/// A figure of each transport: its name, its help text, and its counter.
type PerTransport = (&'static str, &'static str, fn(&CounterSnapshot) -> u64);

const COUNTERS: [PerTransport; 8] = [
    ("requests", "Requests", |f| f.requests),
    ("empty_answers", "Requests answered with no message", |f| {
        f.empty
    }),
    (
        "messages",
        "Deliveries; for publish, messages appended",
        |f| f.messages,
    ),
    ("wire_bytes_in", "Bytes received, heads included", |f| {
        f.wire_bytes_in
    }),
    ("wire_bytes_out", "Bytes sent, heads included", |f| {
        f.wire_bytes_out
    }),
    (
        "connection_bytes_in",
        "Bytes received that belong to a connection but not to a request",
        |f| f.connection_bytes_in,
    ),
    (
        "connection_bytes_out",
        "Bytes sent that belong to a connection but not to a request",
        |f| f.connection_bytes_out,
    ),
    ("connections", "TCP connections opened", |f| f.connections),
];

impl Collector for LedgerCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let figures = self.figures();
        for (name, help, of) in COUNTERS {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            for (labels, figures) in &figures {
                ConstCounter::new(of(figures)).encode(family.encode_family(labels)?)?;
            }
        }
        let help = "TCP connections open now that last served the transport";
        let mut family = encoder.encode_descriptor("open", help, None, MetricType::Gauge)?;
        for (labels, figures) in &figures {
            ConstGauge::new(figures.open as i64).encode(family.encode_family(labels)?)?;
        }
        self.refusals(&mut encoder)?;
        self.client_labels(&mut encoder)?;
        self.delays(&mut encoder)?;
        self.log(&mut encoder)
    }
}

impl LedgerCollector {
    /// Each account's figures over each protocol that occurred, and always over cleartext HTTP/1.1.
    fn figures(&self) -> Vec<(Labels, CounterSnapshot)> {
        let mut figures = Vec::new();
        for account in Account::ALL {
            let mut protocols = self.ledger.totals.protocols(account);
            if protocols.is_empty() {
                protocols.push((Protocol::Http1, CounterSnapshot::default()));
            }
            for (protocol, snapshot) in protocols {
                let labels = [
                    ("transport", account.as_str()),
                    ("protocol", protocol.as_str()),
                ];
                figures.push((labels, snapshot));
            }
        }
        figures
    }

    fn refusals(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Requests and connections refused or closed, by reason";
        let mut family = encoder.encode_descriptor("refused", help, None, MetricType::Counter)?;
        for refusal in RefusalReason::ALL {
            let count = self.policy.refusals.total(refusal);
            let labels = [("reason", refusal.as_str())];
            ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn client_labels(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let clients = &self.ledger.clients;
        let help = "Client labels that the ledger remembers";
        let metric = encoder.encode_descriptor("client_labels", help, None, MetricType::Gauge)?;
        ConstGauge::new(clients.remembered() as i64).encode(metric)?;
        let (name, help) = (
            "client_labels_forgotten",
            "Client labels forgotten to make room for others",
        );
        let metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        ConstCounter::new(clients.forgotten()).encode(metric)
    }

    fn delays(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "From publish to the server handing the message to a reader that waited for it";
        let mut family = encoder.encode_descriptor(
            "delay",
            help,
            Some(&Unit::Seconds),
            MetricType::Histogram,
        )?;
        for account in Account::ALL {
            let Some(delays) = self.ledger.delays(account) else {
                continue;
            };
            let (sum, counts) = delays.snapshot();
            let bounds = BOUNDS.into_iter().chain([f64::INFINITY]);
            let buckets: Vec<(f64, u64)> = bounds.zip(counts).collect();
            let labels = [("transport", account.as_str())];
            let total = counts.iter().sum();
            family
                .encode_family(&labels)?
                .encode_histogram::<[(&str, &str); 0]>(sum, total, &buckets, None)?;
        }
        Ok(())
    }

    fn log(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let store = self.log.store_status();
        let tails = self.log.tail_cache_stats();
        let gauges = [
            (
                "store_up",
                "Whether the store answers and takes messages",
                u64::from(store.up),
            ),
            (
                "store_retained_messages",
                "Messages in the store",
                store.retained_messages,
            ),
            ("log_head", "The newest message's id", self.log.head()),
            ("tail_rooms", "Rooms in memory", tails.rooms as u64),
            ("tail_messages", "Messages in memory", tails.messages as u64),
            (
                "tail_bytes",
                "Memory of the messages in memory",
                tails.bytes as u64,
            ),
        ];
        for (name, help, value) in gauges {
            let gauge = ConstGauge::new(value as i64);
            let metric: MetricEncoder<'_> =
                encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            gauge.encode(metric)?;
        }
        Ok(())
    }
}
