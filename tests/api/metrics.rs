//! `GET /metrics`: the ledger's figures in Prometheus's formats.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::{
    client::{TestClient as _, cursor},
    each_store, eventually,
    server::Server,
};

/// A sample's value by its name with labels, such as `poll_vs_sse_open{transport="poll"}`.
type Samples = BTreeMap<String, f64>;

/// Parses the OpenMetrics text format as strictly as a scraper does.
fn parse(text: &str) -> Samples {
    let body = text.strip_suffix("# EOF\n").expect("ends with # EOF");
    let mut samples = Samples::new();
    let mut families = Vec::new();
    for line in body.lines() {
        if let Some(described) = line.strip_prefix("# ") {
            let mut words = described.splitn(3, ' ');
            let (kind, name) = (words.next().expect("a kind"), words.next().expect("a name"));
            assert!(["HELP", "TYPE", "UNIT"].contains(&kind), "{line}");
            if kind == "TYPE" {
                assert!(
                    !families.contains(&name.to_owned()),
                    "{name} is described twice"
                );
                families.push(name.to_owned());
            }
            continue;
        }
        let (name, value) = line.rsplit_once(' ').expect("a sample");
        let family = families.last().expect("described first");
        assert!(
            name.starts_with(family.as_str()),
            "{name} is not of {family}"
        );
        let value = value
            .parse()
            .unwrap_or_else(|_| panic!("no number: {line}"));
        assert!(
            samples.insert(name.to_owned(), value).is_none(),
            "{name} occurs twice"
        );
    }
    samples
}

fn scrape(server: &Server) -> Samples {
    let response = server.get("/metrics");
    assert_eq!(response.status(), 200);
    let kind = response.header("content-type").expect("a type");
    assert!(
        kind.starts_with("application/openmetrics-text; version=1.0.0"),
        "{kind}"
    );
    parse(&response.text())
}

/// Sample and ledger names of each counter.
const COUNTERS: [(&str, &str); 8] = [
    ("requests_total", "requests"),
    ("empty_answers_total", "empty"),
    ("messages_total", "messages"),
    ("wire_bytes_in_total", "wire_bytes_in"),
    ("wire_bytes_out_total", "wire_bytes_out"),
    ("connection_bytes_in_total", "connection_bytes_in"),
    ("connection_bytes_out_total", "connection_bytes_out"),
    ("connections_total", "connections"),
];

each_store!(the_metrics_agree_with_the_ledger, |server| {
    let place = cursor(&server.publish_many("lobby", 7)[3]).to_owned();
    server.poll("client=ada");
    server.poll(&format!("wait=5&cursor={place}"));
    server.get("/poll?cursor=x");
    let mut stream = server.stream("");
    stream.messages(7);
    // No figure may change between the two reads.
    eventually("the other connections are gone", || {
        let ledger = server.get("/ledger").ok();
        let mut others = ["poll", "long-poll", "publish"].into_iter();
        others.all(|transport| ledger["transports"][transport]["open"] == 0)
    });
    let samples = scrape(server);
    let ledger = server.get("/ledger").ok();
    for transport in ["poll", "long-poll", "stream", "publish"] {
        let figures = &ledger["transports"][transport];
        let value = |name: &str| {
            samples
                [&format!("poll_vs_sse_{name}{{transport=\"{transport}\",protocol=\"http/1.1\"}}")]
        };
        for (sample, name) in COUNTERS {
            assert_eq!(
                figures[name].as_f64(),
                Some(value(sample)),
                "{transport} {name}"
            );
        }
        assert_eq!(figures["open"].as_f64(), Some(value("open")));
    }
});

each_store!(the_delay_histogram_counts_deliveries, |server| {
    let mut stream = server.stream("last=0");
    stream.frame();
    server.publish_many("lobby", 5);
    stream.messages(5);
    let samples = scrape(server);
    let value =
        |name: &str| samples[&format!("poll_vs_sse_delay_seconds_{name}{{transport=\"stream\"}}")];
    assert_eq!(value("count"), 5.0);
    assert!(value("sum") > 0.0 && value("sum") < 50.0);
    let buckets = samples
        .keys()
        .filter(|name| name.contains("delay_seconds_bucket"));
    let mut counts: Vec<(f64, f64)> = buckets
        .filter(|name| name.contains("\"stream\""))
        .map(|name| {
            let (_, bound) = name.split_once("le=\"").expect("a bound");
            let (bound, _) = bound.split_once('"').expect("a bound");
            let bound = match bound {
                "+Inf" => f64::INFINITY,
                bound => bound.parse().expect("a bound"),
            };
            (bound, samples[name])
        })
        .collect();
    counts.sort_by(|a, b| a.0.total_cmp(&b.0));
    assert!(
        counts.windows(2).all(|pair| pair[0].1 <= pair[1].1),
        "cumulative: {counts:?}"
    );
    assert_eq!(counts.last(), Some(&(f64::INFINITY, 5.0)));
});

each_store!(
    the_metrics_have_the_state_of_the_store,
    |config| config.retention.messages = Some(4),
    |server| {
        let last = server.publish_many("lobby", 6).pop().expect("a message");
        let samples = scrape(server);
        assert_eq!(samples["poll_vs_sse_store_up"], 1.0);
        assert_eq!(samples["poll_vs_sse_store_retained_messages"], 4.0);
        let head = samples["poll_vs_sse_log_head"];
        assert_eq!(Value::from(head as u64), last["id"]);
    }
);

#[test]
fn a_scraper_of_the_classic_format_gets_it() {
    let server = Server::memory();
    server.poll("last=0");
    let classic = server.get_with("/metrics", &[("Accept", "text/plain;version=0.0.4")]);
    assert_eq!(
        classic.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    let text = classic.text();
    let typed: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" counter"))
        .collect();
    assert!(typed.contains(&"poll_vs_sse_requests_total"), "{text}");
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    for line in samples {
        let name = line.split(['{', ' ']).next().expect("a name");
        assert!(
            !name.ends_with("_total") || typed.contains(&name),
            "{name}: {text}"
        );
    }
    assert!(
        !text.contains("# EOF") && !text.contains("# UNIT"),
        "{text}"
    );
}

#[test]
fn prometheus_gets_openmetrics() {
    let server = Server::memory();
    let prometheus =
        "application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
    for headers in [&[][..], &[("Accept", "*/*")], &[("Accept", prometheus)]] {
        let answer = server.get_with("/metrics", headers);
        let kind = answer.header("content-type").expect("a type");
        assert!(
            kind.starts_with("application/openmetrics-text"),
            "{headers:?}: {kind}"
        );
        assert!(answer.text().ends_with("# EOF\n"), "{headers:?}");
    }
}
