//! The answer to a question: for each transport the rates, the costs, and the number of servers.

use serde::{Deserialize, Serialize};

use crate::{
    BreakEven, CpuBy, Limit, Model, Part, PerTransport, Question, Rates, Sizing, Transport,
    break_even, question::SHORTEST_INTERVAL_S, rates::hidden_interval_s, size_servers,
};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    pub question: Question,
    pub transports: PerTransport<Estimate>,
    pub break_even: BreakEven,
    /// Inputs outside of the measured range.
    pub beyond: Vec<Extrapolation>,
}

/// The estimate for one transport.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The polling interval, in seconds. `None` for the other transports, and if no interval is short enough.
    pub interval_s: Option<f64>,
    /// That of clients in hidden tabs. `None` also if there are none.
    pub hidden_interval_s: Option<f64>,
    #[serde(flatten)]
    pub rates: Rates,
    pub wire_bytes_in_per_s: f64,
    pub wire_bytes_out_per_s: f64,
    /// Busy cores of all servers.
    pub cores: f64,
    pub cores_by: CpuBy,
    /// The largest kind of work, and its share.
    pub dominant: Part,
    pub dominant_share: f64,
    /// Of the processes, over all servers.
    pub memory_bytes: f64,
    /// Of the kernel, for the servers' ends of connections.
    pub kernel_memory_bytes: f64,
    pub delay_mean_s: f64,
    pub delay_worst_s: f64,
    /// The number of servers. `None`: no number is enough.
    pub servers: Option<f64>,
    /// What decides that number.
    pub limit: Limit,
}

/// An input outside the measured range.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Extrapolation {
    pub what: Dimension,
    pub asked: f64,
    pub least: f64,
    pub most: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dimension {
    ClientsPerServer,
    Rate,
    Size,
    Interval,
    /// The busy share of each core by polls, from 0 to 1.
    Load,
}

/// Answers `question`.
pub fn plan(model: &Model, question: &Question) -> Plan {
    let transports = PerTransport {
        poll: estimate(model, question, Transport::Poll),
        long_poll: estimate(model, question, Transport::LongPoll),
        stream: estimate(model, question, Transport::Stream),
    };
    Plan {
        question: *question,
        beyond: beyond(model, question, &transports),
        break_even: break_even(model, question),
        transports,
    }
}

/// The estimate for `transport`.
pub fn estimate(model: &Model, question: &Question, transport: Transport) -> Estimate {
    let interval_s = match transport {
        Transport::Poll => question.interval_s(model),
        Transport::LongPoll | Transport::Stream => None,
    };
    let sizing = size_servers(
        model,
        question,
        transport,
        interval_s.unwrap_or(SHORTEST_INTERVAL_S),
    );
    let is_possible = transport != Transport::Poll || interval_s.is_some();
    let servers = sizing.servers().filter(|_| is_possible);
    let count = servers.unwrap_or(1.0);
    let cores_by = sizing.cost.cpu.on_servers(count);
    let Sizing {
        cost,
        delays,
        limit,
        ..
    } = sizing;
    let (dominant, dominant_share) = cores_by.dominant();
    let process_bytes =
        (model.base_memory_bytes + model.limits.tail_bytes) * model.copies(question.server.cores);
    let fan_out_s = delays.fan_out_s / count;
    Estimate {
        interval_s,
        hidden_interval_s: interval_s.and_then(|s| hidden_interval_s(question.hidden_share, s)),
        rates: cost.rates,
        wire_bytes_in_per_s: cost.wire_bytes_in_per_s,
        wire_bytes_out_per_s: cost.wire_bytes_out_per_s,
        cores: cores_by.total(),
        cores_by,
        dominant,
        dominant_share,
        memory_bytes: cost.client_memory_bytes + process_bytes * count,
        kernel_memory_bytes: cost.kernel_memory_bytes,
        delay_mean_s: delays.mean_s + fan_out_s / 2.0,
        delay_worst_s: delays.worst_s + fan_out_s,
        servers,
        limit,
    }
}

fn beyond(
    model: &Model,
    question: &Question,
    transports: &PerTransport<Estimate>,
) -> Vec<Extrapolation> {
    let servers = Transport::ALL.map(|transport| transports.get(transport).servers);
    let per_server = servers
        .into_iter()
        .flatten()
        .map(|servers| question.clients / servers / model.copies(question.server.cores));
    let span = &model.span;
    let asked = [
        per_server
            .reduce(f64::max)
            .map(|asked| (Dimension::ClientsPerServer, asked, span.clients)),
        Some((Dimension::Rate, question.rate, span.rate)),
        Some((Dimension::Size, question.size, span.size)),
        (transports.poll.interval_s).map(|asked| (Dimension::Interval, asked, span.interval_s)),
        load(model, question, &transports.poll),
    ];
    let outside = asked
        .into_iter()
        .flatten()
        .filter(|(_, asked, [least, most])| !(*least..=*most).contains(asked));
    outside
        .map(|(what, asked, [least, most])| Extrapolation {
            what,
            asked,
            least,
            most,
        })
        .collect()
}

/// The load by polls, and the range in which the model knows it.
fn load(model: &Model, question: &Question, poll: &Estimate) -> Option<(Dimension, f64, [f64; 2])> {
    let matrix = model.errors.matrix?;
    let share = poll.cores / (poll.servers? * question.server.cores);
    Some((Dimension::Load, share, [matrix.light_load, 1.0]))
}
