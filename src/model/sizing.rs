//! The number of servers that a question needs with one transport, and their costs.

use serde::{Deserialize, Serialize};

use super::{Cost, Fill, Model, Question, Utilization, delays::Delays};
use crate::Transport;

/// What decides the number of servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    Cpu,
    Memory,
    Network,
    /// Processes or threads, for a stack in which each stream holds one.
    Workers,
    /// A message must reach all clients within the acceptable delay.
    Delay,
}

/// A question answered by one transport.
pub struct Sizing {
    pub cost: Cost,
    pub delays: Delays,
    /// The number of servers, as a fraction. Infinite: no number is enough.
    pub needed: f64,
    pub limit: Limit,
}

impl Sizing {
    /// The whole number of servers. `None`: no number is enough.
    pub fn servers(&self) -> Option<f64> {
        self.needed.is_finite().then(|| self.needed.ceil().max(1.0))
    }

    /// Busy cores if servers are counted in fractions, from one on. They rise without steps, so that they can be
    /// searched for a break-even.
    pub fn cores_in_fractions(&self) -> f64 {
        let servers = match self.needed.is_finite() {
            true => self.needed.max(1.0),
            false => 1.0,
        };
        self.cost.cpu.on_servers(servers).total()
    }
}

/// The servers and costs of `transport` if a client polls every `interval_s` seconds.
///
/// The number of servers follows from the capacity of a full server. Their costs follow from the load of each: a
/// server that is not full wakes up for more of its requests.
pub fn size_servers(
    model: &Model,
    question: &Question,
    transport: Transport,
    interval_s: f64,
) -> Sizing {
    let server = &question.server;
    let cores = server.cores;
    let filled = Fill::To {
        busy: server.utilization,
    };
    let scenario = question.scenario(interval_s, Utilization { cores, filled });
    let cost = model.cost(transport, &scenario);
    let delays = Delays::new(model, question, transport, &scenario, &cost.rates);
    let (needed, limit) = needed(model, question, transport, &cost, &delays);
    let cost = if needed.is_finite() {
        let filled = Fill::By {
            servers: needed.max(1.0),
        };
        model.cost(
            transport,
            &question.scenario(interval_s, Utilization { cores, filled }),
        )
    } else {
        cost
    };
    Sizing {
        cost,
        delays,
        needed,
        limit,
    }
}

/// The number of servers, as a fraction, and what decides it. Infinite: no number is enough.
fn needed(
    model: &Model,
    question: &Question,
    transport: Transport,
    cost: &Cost,
    delays: &Delays,
) -> (f64, Limit) {
    let server = &question.server;
    // Also with no clients' part: a process that does not fit by itself makes every number of servers too few.
    let share = |part: f64, room: f64| match room > 0.0 {
        true => part / room,
        false => f64::INFINITY,
    };
    let process_bytes =
        (model.base_memory_bytes + model.limits.tail_bytes) * model.copies(server.cores);
    let waiting = match transport {
        Transport::Poll => 0.0,
        Transport::LongPoll | Transport::Stream => cost.rates.connections,
    };
    let most_bytes = cost.wire_bytes_in_per_s.max(cost.wire_bytes_out_per_s);
    let all = [
        (
            share(
                cost.cpu.readers(),
                server.cores * server.utilization - cost.cpu.each_server(),
            ),
            Limit::Cpu,
        ),
        (
            share(
                cost.client_memory_bytes + cost.kernel_memory_bytes,
                server.memory_bytes * server.utilization - process_bytes,
            ),
            Limit::Memory,
        ),
        (
            share(
                8.0 * most_bytes,
                server.network_bits_per_s * server.utilization,
            ),
            Limit::Network,
        ),
        (waiting / model.workers(server.cores), Limit::Workers),
        (
            match delays.fan_out_s {
                // Polls use all of the acceptable delay for their interval, and do not wait for each other.
                0.0 => 0.0,
                fan_out_s => share(fan_out_s, question.max_delay_s - delays.worst_s),
            },
            Limit::Delay,
        ),
    ];
    let mut most = all[0];
    for one in all {
        if one.0 > most.0 {
            most = one;
        }
    }
    most
}
