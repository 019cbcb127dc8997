//! From what clients and publishers do to what crosses the wire each second. No measured constant is
//! needed for it, only the server's contract.

use serde::{Deserialize, Serialize};

use super::{Contract, Load};
use crate::Transport;

/// How messages lie in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Spacing {
    /// Independently of one another (Poisson), as people write.
    #[default]
    Random,
    /// At equal distances, as a clock or sensor does, and as `compare` publishes.
    Regular,
}

/// What clients and publishers do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Setting {
    pub clients: f64,
    /// Messages a second that each client is to get. All read the same room.
    pub rate: f64,
    /// The text of a message, bytes.
    pub size: f64,
    pub spacing: Spacing,
    /// A polling client asks so often, seconds.
    pub interval_s: f64,
    /// How long a long-poll asks to wait, seconds.
    pub wait_s: f64,
    /// From a client to the server and back, seconds.
    pub round_trip_s: f64,
    /// Whether a poll's connection ends with its answer.
    pub closes: bool,
    pub load: Load,
}

/// What happens each second, over all clients.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Flow {
    #[serde(rename = "requests_per_s")]
    pub requests: f64,
    /// Requests answered with no message.
    #[serde(rename = "empty_per_s")]
    pub empty: f64,
    #[serde(rename = "deliveries_per_s")]
    pub deliveries: f64,
    #[serde(rename = "keep_alives_per_s")]
    pub keep_alives: f64,
    /// TCP connections opened anew; those that stay are opened once and not counted.
    #[serde(rename = "connects_per_s")]
    pub connects: f64,
    /// TCP connections open at a time.
    pub connections: f64,
}

impl Contract {
    /// How many messages of so many bytes are in one answer at most.
    pub fn page(&self, message_bytes: f64) -> f64 {
        let fit = (self.page_bytes / message_bytes).floor();
        self.page_messages.min(fit).max(1.0)
    }
}

impl Flow {
    /// `message_bytes` is what one message takes in a poll's answer.
    pub fn of(
        transport: Transport,
        setting: &Setting,
        contract: &Contract,
        message_bytes: f64,
    ) -> Self {
        match transport {
            Transport::Poll => poll(setting, contract, message_bytes),
            Transport::LongPoll => long_poll(setting),
            Transport::Stream => stream(setting, contract),
        }
    }
}

fn poll(setting: &Setting, contract: &Contract, message_bytes: f64) -> Flow {
    let Setting {
        clients,
        rate,
        interval_s,
        round_trip_s,
        closes,
        ..
    } = *setting;
    let turns = clients / interval_s;
    let batch = rate * interval_s;
    let page = contract.page(message_bytes);
    // A turn finds one of two neighbouring whole numbers of messages, and asks again while there are more.
    let fewer = batch.floor();
    let share_more = batch - fewer;
    let asks = |messages: f64| (messages / page).ceil().max(1.0);
    let asks = (1.0 - share_more) * asks(fewer) + share_more * asks(fewer + 1.0);
    let nothing = match setting.spacing {
        Spacing::Regular => (1.0 - batch).max(0.0),
        Spacing::Random => (-batch).exp(),
    };
    let requests = turns * asks;
    let (connects, connections) = if closes {
        (requests, requests * round_trip_s)
    } else if interval_s > contract.idle_s {
        (turns, turns * contract.idle_s)
    } else {
        (0.0, clients)
    };
    Flow {
        requests,
        empty: turns * nothing,
        deliveries: clients * rate,
        keep_alives: 0.0,
        connects,
        connections,
    }
}

fn long_poll(setting: &Setting) -> Flow {
    let Setting {
        clients,
        rate,
        wait_s,
        round_trip_s,
        ..
    } = *setting;
    let (requests, empty) = match setting.spacing {
        Spacing::Random => {
            // A turn is a round trip, and then, if nothing came meanwhile, a wait for the first message.
            let nothing_on_the_way = (-rate * round_trip_s).exp();
            let times_out = (-rate * wait_s).exp();
            let turn_s = round_trip_s + nothing_on_the_way * (1.0 - times_out) / rate;
            (1.0 / turn_s, nothing_on_the_way * times_out / turn_s)
        }
        Spacing::Regular if rate * round_trip_s >= 1.0 => (1.0 / round_trip_s, 0.0),
        Spacing::Regular => {
            let waiting_s = 1.0 / rate - round_trip_s;
            let times_out = (waiting_s / (wait_s + round_trip_s)).floor();
            (rate * (1.0 + times_out), rate * times_out)
        }
    };
    Flow {
        requests: clients * requests,
        empty: clients * empty,
        deliveries: clients * rate,
        keep_alives: 0.0,
        connects: 0.0,
        connections: clients,
    }
}

fn stream(setting: &Setting, contract: &Contract) -> Flow {
    let Setting { clients, rate, .. } = *setting;
    let after_s = contract.keep_alive_s;
    // One whenever a gap between two messages has lasted that long, and again after as long.
    let keep_alives = match setting.spacing {
        Spacing::Random => rate / (rate * after_s).exp_m1(),
        Spacing::Regular => rate * (1.0 / (rate * after_s)).floor(),
    };
    Flow {
        requests: 0.0,
        empty: 0.0,
        deliveries: clients * rate,
        keep_alives: clients * keep_alives,
        connects: 0.0,
        connections: clients,
    }
}
