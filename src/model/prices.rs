//! The costs of a plan in money: a price list, and a monthly bill for each transport.

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::{
    Estimate, Model, PerTransport, Plan, Question, QuestionField, Range, Transport,
    break_even::{CostPair, cheaper_delays},
    plan::estimate,
};

/// Hours of a month: a twelfth of a year.
pub const HOURS_PER_MONTH: f64 = 730.0;
const S_PER_MONTH: f64 = HOURS_PER_MONTH * 3600.0;
const GIB: f64 = 1024.0 * 1024.0 * 1024.0;
const MILLION: f64 = 1e6;
/// The shortest duration of a request that is billed, seconds: AWS Lambda rounds up to a millisecond
/// (<https://aws.amazon.com/lambda/pricing/>). A poll is answered sooner.
const SHORTEST_BILLED_S: f64 = 0.001;
/// More memory for a request is a slip.
const MOST_REQUEST_GIB: f64 = 1024.0;
/// No price in any currency is above this. A larger one is a slip, and its bill would overflow.
const HIGHEST_PRICE: f64 = 1e9;

/// A price list, read from TOML (`docs/model.md`). An item without a price costs nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    pub name: String,
    pub currency: String,
    /// The source of the prices.
    pub source: String,
    /// When they were valid.
    pub date: String,
    /// One server of the given size, for an hour.
    #[serde(default)]
    pub server_hour: f64,
    /// The size of the server that `server_hour` pays for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_cores: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_memory_gib: Option<f64>,
    /// A busy core for an hour, if usage is billed.
    #[serde(default)]
    pub core_hour: f64,
    /// A GiB of used memory for an hour, if usage is billed. Of the servers, or, with `open_request_gib`, of requests.
    #[serde(default)]
    pub memory_gib_hour: f64,
    /// The GiB that the platform holds for each request as long as it is open, if it bills that instead of servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_request_gib: Option<f64>,
    /// A GiB from the server to clients.
    #[serde(default)]
    pub traffic_out_gib: f64,
    /// A GiB from clients to the server.
    #[serde(default)]
    pub traffic_in_gib: f64,
    /// A million requests.
    #[serde(default)]
    pub request_million: f64,
    /// A million messages that are pushed on streams.
    #[serde(default)]
    pub message_million: f64,
    /// A million minutes of open streams.
    #[serde(default)]
    pub connection_minute_million: f64,
}

/// A monthly bill by item, in the currency of the prices.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bill {
    pub servers: f64,
    pub cpu: f64,
    pub memory: f64,
    pub traffic: f64,
    pub requests: f64,
    pub messages: f64,
    pub connections: f64,
    pub total: f64,
}

/// The bills of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bills {
    pub prices: Prices,
    /// `None` for a transport for which no number of servers is enough.
    pub transports: PerTransport<Option<Bill>>,
    /// Acceptable delays, in seconds, at which polling's bill is below that of SSE.
    pub polling_is_cheaper: Vec<Range>,
}

impl Prices {
    /// # Errors
    ///
    /// One line that says what is wrong.
    pub fn parse(text: &str) -> Result<Self> {
        let prices: Self = toml::from_str(text).map_err(|error| {
            let before = error.span().map(|span| &text[..span.start.min(text.len())]);
            let line = before.map_or(0, |before| before.matches('\n').count()) + 1;
            anyhow::anyhow!("line {line}: {}", error.message().replace('\n', " "))
        })?;
        let all = prices.all();
        for (name, price) in all {
            ensure!(
                (0.0..=HIGHEST_PRICE).contains(&price),
                "its {name} is {price:?}, which is not a price: it must be 0 to {HIGHEST_PRICE}"
            );
        }
        prices.sized(Question::default())?;
        if let Some(gib) = prices.open_request_gib {
            ensure!(
                gib > 0.0 && gib <= MOST_REQUEST_GIB,
                "its open_request_gib is {gib:?}; it must be above 0 and at most {MOST_REQUEST_GIB}"
            );
        }
        ensure!(
            all.iter().any(|(_, price)| *price > 0.0),
            "it has no price: give one of {}",
            all.map(|(name, _)| name).join(", ")
        );
        Ok(prices)
    }

    /// `question` with servers of the size that the prices are for, as far as they name it.
    ///
    /// # Errors
    ///
    /// If there are no servers of that size.
    pub fn sized(&self, mut question: Question) -> Result<Question> {
        for (field, size) in self.server_size() {
            question
                .set(field, size)
                .map_err(|error| anyhow::anyhow!("its {} {error}", field.name()))?;
        }
        Ok(question)
    }

    /// The fields of a question in which its servers differ from those that the prices are for.
    pub fn differing_size(&self, question: &Question) -> Vec<QuestionField> {
        let differing = self
            .server_size()
            .filter(|(field, size)| question.get(*field) != *size);
        differing.map(|(field, _)| field).collect()
    }

    fn server_size(&self) -> impl Iterator<Item = (QuestionField, f64)> {
        [
            (QuestionField::ServerCores, self.server_cores),
            (QuestionField::ServerMemoryGib, self.server_memory_gib),
        ]
        .into_iter()
        .filter_map(|(field, size)| Some((field, size?)))
    }

    fn all(&self) -> [(&'static str, f64); 8] {
        [
            ("server_hour", self.server_hour),
            ("core_hour", self.core_hour),
            ("memory_gib_hour", self.memory_gib_hour),
            ("traffic_out_gib", self.traffic_out_gib),
            ("traffic_in_gib", self.traffic_in_gib),
            ("request_million", self.request_million),
            ("message_million", self.message_million),
            ("connection_minute_million", self.connection_minute_million),
        ]
    }

    /// The memory that is billed, GiB.
    fn memory_gib(&self, transport: Transport, estimate: &Estimate) -> f64 {
        let Some(request_gib) = self.open_request_gib else {
            return estimate.memory_bytes / GIB;
        };
        let open_requests = match transport {
            Transport::Poll => estimate.rates.requests * SHORTEST_BILLED_S,
            // A long-poll is followed by the next.
            Transport::LongPoll | Transport::Stream => estimate.rates.connections,
        };
        open_requests * request_gib
    }

    /// The monthly bill of `estimate`. `None` if no number of servers is enough.
    pub fn bill(&self, transport: Transport, estimate: &Estimate) -> Option<Bill> {
        let rates = &estimate.rates;
        // Gateways bill requests and answers, independent of their connection.
        let (pushed, open) = match transport {
            Transport::Stream => (rates.deliveries, rates.connections),
            Transport::Poll | Transport::LongPoll => (0.0, 0.0),
        };
        let bill = Bill {
            servers: estimate.servers? * self.server_hour * HOURS_PER_MONTH,
            cpu: estimate.cores * self.core_hour * HOURS_PER_MONTH,
            memory: self.memory_gib(transport, estimate) * self.memory_gib_hour * HOURS_PER_MONTH,
            traffic: (estimate.wire_bytes_out_per_s * self.traffic_out_gib
                + estimate.wire_bytes_in_per_s * self.traffic_in_gib)
                / GIB
                * S_PER_MONTH,
            requests: rates.requests / MILLION * self.request_million * S_PER_MONTH,
            messages: pushed / MILLION * self.message_million * S_PER_MONTH,
            connections: open / MILLION * self.connection_minute_million * HOURS_PER_MONTH * 60.0,
            total: 0.0,
        };
        Some(Bill {
            total: bill.parts().iter().map(|(_, part)| part).sum(),
            ..bill
        })
    }
}

impl Bill {
    /// The items of the bill.
    pub fn parts(&self) -> [(&'static str, f64); 7] {
        [
            ("servers", self.servers),
            ("CPU", self.cpu),
            ("memory", self.memory),
            ("traffic", self.traffic),
            ("requests", self.requests),
            ("messages", self.messages),
            ("connections", self.connections),
        ]
    }
}

impl Bills {
    pub fn new(model: &Model, plan: &Plan, prices: Prices) -> Self {
        let bill = |transport| prices.bill(transport, plan.transports.get(transport));
        let total = |question: &Question, transport| {
            let bill = prices.bill(transport, &estimate(model, question, transport));
            bill.map_or(f64::INFINITY, |bill| bill.total)
        };
        let polling_is_cheaper = cheaper_delays(&plan.question, |question| {
            let costs = CostPair {
                poll: total(question, Transport::Poll),
                stream: total(question, Transport::Stream),
            };
            costs.is_polling_cheaper()
        });
        Self {
            transports: PerTransport {
                poll: bill(Transport::Poll),
                long_poll: bill(Transport::LongPoll),
                stream: bill(Transport::Stream),
            },
            polling_is_cheaper,
            prices,
        }
    }
}

/// Reads a price list, and names it in its error.
pub fn read(text: &str, name: &str) -> Result<Prices> {
    Prices::parse(text).with_context(|| format!("the prices {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{plan, sentences::bill_sentences};

    const PRICES: &str = "name = 'x'\ncurrency = 'USD'\nsource = 'nowhere'\ndate = '2026-11'\n";

    fn bills(more: &str, question: &Question) -> Bills {
        let model = Model::built_in();
        let prices = Prices::parse(&format!("{PRICES}{more}")).expect("prices");
        Bills::new(model, &plan(model, question), prices)
    }

    #[test]
    fn a_bill_is_usage_times_price() {
        let question = Question {
            clients: 1000.0,
            ..Question::default()
        };
        let bills = bills(
            "server_hour = 0.1\nrequest_million = 1.0\nconnection_minute_million = 0.25",
            &question,
        );
        let stream = bills.transports.stream.expect("possible");
        assert_eq!(stream.servers, 73.0);
        assert_eq!(stream.requests, 0.0);
        assert!((stream.connections - 1000.0 * 43_800.0 / 1e6 * 0.25).abs() < 1e-6);
        assert!((stream.total - stream.servers - stream.connections).abs() < 1e-9);
        let poll = bills.transports.poll.expect("possible");
        let requests = plan(Model::built_in(), &question)
            .transports
            .poll
            .rates
            .requests;
        assert!((poll.requests - requests * S_PER_MONTH / 1e6).abs() < 1e-6);
    }

    #[test]
    fn if_requests_are_billed_polling_is_cheaper_only_if_it_is_rare() {
        let found = bills(
            "request_million = 1.0\nconnection_minute_million = 0.25",
            // Messages are so rare that a poll's answer has room for all messages since the last poll.
            &Question {
                rate: 0.1,
                ..Question::default()
            },
        );
        let [range] = found.polling_is_cheaper[..] else {
            panic!("{found:?}");
        };
        let from = range.from.expect("a bound");
        // A minute of a connection costs 0.25, a quarter of a request, so the break-even is one poll in four minutes.
        assert!((200.0..280.0).contains(&from), "{range:?}");
    }

    #[test]
    fn a_platform_that_holds_memory_for_each_request_bills_open_streams_all_the_time() {
        let functions = include_str!("../../docs/examples/prices-functions.toml");
        let question = Question {
            clients: 100_000.0,
            rate: 0.1,
            max_delay_s: 5.0,
            ..Question::default()
        };
        let prices = Prices::parse(functions).expect("prices");
        let bills = Bills::new(
            Model::built_in(),
            &plan(Model::built_in(), &question),
            prices,
        );
        let (poll, stream) = (bills.transports.poll, bills.transports.stream);
        let (poll, stream) = (poll.expect("possible"), stream.expect("possible"));
        let expected = 100_000.0 * 0.125 * HOURS_PER_MONTH * 0.06;
        assert!((stream.memory - expected).abs() < 1e-6, "{stream:?}");
        assert!(poll.memory < stream.memory / 1000.0, "{poll:?}");
        assert!(poll.total < stream.total / 10.0, "{poll:?} {stream:?}");
        let long_poll = bills.transports.long_poll.expect("possible");
        assert!(
            (long_poll.memory - expected).abs() < 1e-6,
            "it waits as long"
        );
    }

    #[test]
    fn prices_may_name_the_size_of_their_server() {
        let text = format!("{PRICES}server_hour = 1\nserver_cores = 2\nserver_memory_gib = 16");
        let prices = Prices::parse(&text).expect("prices");
        let question = Question::default();
        let sized = prices.sized(question).expect("a size");
        assert_eq!(
            (sized.server.cores, sized.server.memory_bytes),
            (2.0, 16.0 * GIB)
        );
        assert_eq!(prices.differing_size(&sized), []);
        let bills = Bills::new(
            Model::built_in(),
            &plan(Model::built_in(), &question),
            prices,
        );
        let text = bill_sentences(&plan(Model::built_in(), &question), &bills).join("\n");
        assert!(
            text.contains("for a server with 2 cores and 16 GiB of memory, not"),
            "{text}"
        );
    }

    #[test]
    fn an_error_in_prices_is_one_line() {
        for (more, words) in [
            ("", "it has no price"),
            ("server_hour = -1", "is not a price"),
            ("server_hour = 1e308", "is not a price"),
            ("server_hour = nan", "is not a price"),
            ("server_hour = 1\nserver_cores = 0", "server_cores must be"),
            (
                "memory_gib_hour = 1\nopen_request_gib = 0",
                "open_request_gib",
            ),
            ("server_day = 1", "server_day"),
            ("server_hour = 'much'", "line 5"),
        ] {
            let error = Prices::parse(&format!("{PRICES}{more}")).expect_err(words);
            let text = format!("{error:#}");
            assert!(text.contains(words) && !text.contains('\n'), "{text}");
        }
    }
}
