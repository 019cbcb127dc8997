//! Computes the events of each second from what clients and publishers do. It needs no measured constant, only the
//! server's contract.

use serde::{Deserialize, Serialize};

use super::{ServerLimits, Utilization};
use crate::{Protocol, RequestHead, Transport, WireForm, request_head::Http2Lengths};

/// The interval of a timer in a tab that was hidden for five minutes (measured with Chromium 156), in seconds.
const HIDDEN_INTERVAL_S: f64 = 60.0;

/// How messages are spaced in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum ArrivalPattern {
    /// Independently of each other (Poisson), as people write.
    #[default]
    Random,
    /// At equal distances, as a clock or sensor does, and as `compare` publishes.
    Regular,
}

/// What clients and publishers do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scenario {
    pub clients: f64,
    /// Messages a second for each client. All clients read the same room.
    pub rate: f64,
    /// The text of a message, bytes.
    pub size: f64,
    pub spacing: ArrivalPattern,
    /// How often a client polls, seconds.
    pub interval_s: f64,
    /// How long a long-poll asks to wait, seconds.
    pub wait_s: f64,
    /// From a client to the server and back, seconds.
    pub round_trip_s: f64,
    /// Whether a poll's connection ends with its answer.
    pub closes: bool,
    /// The share of clients whose tab is hidden.
    pub hidden_share: f64,
    /// The protocol of the connections.
    pub form: WireForm,
    pub request_size: RequestSize,
    pub load: Utilization,
}

/// How often clients in hidden tabs poll if the others poll every `interval_s` seconds. `None` if there are none.
pub fn hidden_interval_s(hidden_share: f64, interval_s: f64) -> Option<f64> {
    (hidden_share > 0.0).then(|| interval_s.max(HIDDEN_INTERVAL_S))
}

/// The length of a request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RequestSize {
    /// Bytes beyond those of the bare request that was measured over HTTP/1.1.
    Beyond(f64),
    /// All bytes over HTTP/2, where most of a head is sent once.
    Packed(Http2Lengths),
}

impl RequestSize {
    /// The length of polls with this head to `host`, with a cookie of `cookie_bytes`.
    pub fn of_polls(
        protocol: Protocol,
        head: RequestHead,
        host: &str,
        cookie_bytes: usize,
    ) -> Self {
        match protocol {
            Protocol::Http1 => {
                let extra = head.extra_bytes(Transport::Poll, host, cookie_bytes);
                Self::Beyond(extra as f64)
            }
            Protocol::Http2 => Self::Packed(head.http2_lengths(host, cookie_bytes)),
        }
    }

    /// The bytes of a head that the server handles beyond those of a bare request, however they were sent.
    pub fn head_bytes(&self) -> f64 {
        match self {
            Self::Beyond(extra) => *extra,
            Self::Packed(lengths) => lengths.extra,
        }
    }
}

/// The events of each second, over all clients.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    #[serde(rename = "requests_per_s")]
    pub requests: f64,
    /// Requests answered with no message.
    #[serde(rename = "empty_per_s")]
    pub empty: f64,
    #[serde(rename = "deliveries_per_s")]
    pub deliveries: f64,
    #[serde(rename = "keep_alives_per_s")]
    pub keep_alives: f64,
    /// TCP connections opened each second; those that stay open are not counted.
    #[serde(rename = "connects_per_s")]
    pub connects: f64,
    /// TCP connections open at a time.
    pub connections: f64,
}

impl Rates {
    /// `message_bytes` is the size of one message in a poll's answer.
    pub fn new(
        transport: Transport,
        scenario: &Scenario,
        limits: &ServerLimits,
        message_bytes: f64,
    ) -> Self {
        match transport {
            Transport::Poll => polls(scenario, limits, message_bytes),
            Transport::LongPoll => long_poll(scenario),
            Transport::Stream => stream(scenario, limits),
        }
    }
}

/// The polls of visible tabs, and of hidden tabs, whose timers browsers slow down. Streams and long-polls are not
/// slowed down.
fn polls(scenario: &Scenario, limits: &ServerLimits, message_bytes: f64) -> Rates {
    let group = |share: f64, interval_s: f64| {
        let scenario = Scenario {
            clients: scenario.clients * share,
            interval_s,
            ..*scenario
        };
        poll(&scenario, limits, message_bytes)
    };
    let hidden = scenario.hidden_share;
    let Some(hidden_interval_s) = hidden_interval_s(hidden, scenario.interval_s) else {
        return poll(scenario, limits, message_bytes);
    };
    let seen = group(1.0 - hidden, scenario.interval_s);
    let unseen = group(hidden, hidden_interval_s);
    Rates {
        requests: seen.requests + unseen.requests,
        empty: seen.empty + unseen.empty,
        deliveries: seen.deliveries + unseen.deliveries,
        keep_alives: 0.0,
        connects: seen.connects + unseen.connects,
        connections: seen.connections + unseen.connections,
    }
}

fn poll(scenario: &Scenario, limits: &ServerLimits, message_bytes: f64) -> Rates {
    let Scenario {
        clients,
        rate,
        interval_s,
        round_trip_s,
        closes,
        ..
    } = *scenario;
    let polls_per_s = clients / interval_s;
    let batch = rate * interval_s;
    let page = limits.messages_per_page(message_bytes);
    // A turn finds one of two neighbouring whole numbers of messages, and polls again while there are more.
    let fewer = batch.floor();
    let share_more = batch - fewer;
    let asks = |messages: f64| (messages / page).ceil().max(1.0);
    let asks = (1.0 - share_more) * asks(fewer) + share_more * asks(fewer + 1.0);
    let nothing = match scenario.spacing {
        ArrivalPattern::Regular => (1.0 - batch).max(0.0),
        ArrivalPattern::Random => (-batch).exp(),
    };
    let requests = polls_per_s * asks;
    let (connects, connections) = if closes {
        (requests, requests * round_trip_s)
    } else if interval_s > limits.idle_s {
        (polls_per_s, polls_per_s * limits.idle_s)
    } else {
        (0.0, clients)
    };
    Rates {
        requests,
        empty: polls_per_s * nothing,
        deliveries: clients * rate,
        keep_alives: 0.0,
        connects,
        connections,
    }
}

fn long_poll(scenario: &Scenario) -> Rates {
    let Scenario {
        clients,
        rate,
        wait_s,
        round_trip_s,
        ..
    } = *scenario;
    let (requests, empty) = match scenario.spacing {
        ArrivalPattern::Random => {
            // A turn is a round trip and then, if no message came during it, a wait for the first message.
            let nothing_on_the_way = (-rate * round_trip_s).exp();
            let times_out = (-rate * wait_s).exp();
            let turn_s = round_trip_s + nothing_on_the_way * (1.0 - times_out) / rate;
            (1.0 / turn_s, nothing_on_the_way * times_out / turn_s)
        }
        ArrivalPattern::Regular if rate * round_trip_s >= 1.0 => (1.0 / round_trip_s, 0.0),
        ArrivalPattern::Regular => {
            let waiting_s = 1.0 / rate - round_trip_s;
            let times_out = (waiting_s / (wait_s + round_trip_s)).floor();
            (rate * (1.0 + times_out), rate * times_out)
        }
    };
    Rates {
        requests: clients * requests,
        empty: clients * empty,
        deliveries: clients * rate,
        keep_alives: 0.0,
        connects: 0.0,
        connections: clients,
    }
}

fn stream(scenario: &Scenario, limits: &ServerLimits) -> Rates {
    let Scenario { clients, rate, .. } = *scenario;
    let after_s = limits.keep_alive_s;
    // One keep-alive whenever a gap between two messages has lasted this long, and again after the same time.
    let keep_alives = match scenario.spacing {
        ArrivalPattern::Random => rate / (rate * after_s).exp_m1(),
        ArrivalPattern::Regular => rate * (1.0 / (rate * after_s)).floor(),
    };
    Rates {
        requests: 0.0,
        empty: 0.0,
        deliveries: clients * rate,
        keep_alives: clients * keep_alives,
        connects: 0.0,
        connections: clients,
    }
}
