//! The cost of a flow: the number of events times the measured cost of one event.

use serde::{Deserialize, Serialize};

use crate::{
    Constants, Model, Rates, RequestSize, Scenario, Transport, constants::US_PER_S,
    event_cost::EventCost, wakeup::Work,
};

/// The cost of a setting, for all clients and on one server. [`CpuBy::on_servers`] has the CPU on several.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    pub rates: Rates,
    /// From clients to the server.
    pub wire_bytes_in_per_s: f64,
    /// From the server to clients.
    pub wire_bytes_out_per_s: f64,
    pub cpu: CpuBy,
    /// Memory of the clients in the process, without the process itself.
    pub client_memory_bytes: f64,
    /// Memory of the kernel for their connections.
    pub kernel_memory_bytes: f64,
}

/// Busy cores, by kind of work.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CpuBy {
    /// The process itself while idle.
    pub process: f64,
    pub publishing: f64,
    pub requests: f64,
    pub messages: f64,
    pub keep_alives: f64,
    pub connections: f64,
}

/// The kinds of work of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    Process,
    Publishing,
    Requests,
    Messages,
    KeepAlives,
    Connections,
}

impl CpuBy {
    /// The work of each server of a group, independent of its readers: the idle process, and receiving every message.
    pub fn each_server(&self) -> f64 {
        self.process + self.publishing
    }

    /// The work for readers, which are spread over the servers.
    pub fn readers(&self) -> f64 {
        self.requests + self.messages + self.keep_alives + self.connections
    }

    pub fn total(&self) -> f64 {
        self.each_server() + self.readers()
    }

    /// The cost of one server becomes that of `servers`, which may be a fraction.
    #[must_use]
    pub fn on_servers(self, servers: f64) -> Self {
        Self {
            process: self.process * servers,
            publishing: self.publishing * servers,
            ..self
        }
    }

    /// The largest part, and its share of the whole.
    pub fn dominant(&self) -> (Part, f64) {
        let parts = [
            (Part::Messages, self.messages),
            (Part::Requests, self.requests),
            (Part::KeepAlives, self.keep_alives),
            (Part::Connections, self.connections),
            (Part::Publishing, self.publishing),
            (Part::Process, self.process),
        ];
        let mut most = parts[0];
        for part in parts {
            if part.1 > most.1 {
                most = part;
            }
        }
        let total = self.total();
        (most.0, if total > 0.0 { most.1 / total } else { 0.0 })
    }
}

impl Model {
    /// What `scenario` costs by `transport`.
    pub fn cost(&self, transport: Transport, scenario: &Scenario) -> Cost {
        let poll_message_bytes = scenario.size + self.transports.poll.message_bytes;
        let rates = Rates::new(transport, scenario, &self.limits, poll_message_bytes);
        let one = self.transports.get(transport);
        let form = self.form(scenario.form);
        let form_bytes = scenario.form.bytes();
        let event = EventCost::new(self, transport, scenario);
        let answers = rates.requests - rates.empty;
        let requests_us = rates.requests * event.request_us + answers * event.messages_us;
        let messages_us = rates.deliveries * event.delivery_us;
        let keep_alives_us =
            rates.keep_alives * event.keep_alive_us + rates.connections * one.idle_us;
        let connects_us = rates.connects * (self.connect_us + form.connect_us);
        let publish_us = scenario.rate * self.publish_us_at(scenario.rate, &form);
        // A request that follows a message finds the server awake.
        let rare_events = match transport {
            Transport::Poll => rates.requests,
            Transport::LongPoll => rates.empty,
            Transport::Stream => 0.0,
        };
        let work = Work {
            events: rare_events,
            wake_times: 1.0 + form.wake_share,
            clients_us: requests_us + messages_us + keep_alives_us + connects_us,
            each_server_us: self.base_us + publish_us,
        };
        let wakeup_cost_us = rare_events * self.wakeup_cost_us(work, scenario.load);
        let largest = match transport {
            Transport::Poll => scenario.rate * scenario.interval_s,
            Transport::LongPoll | Transport::Stream => 1.0,
        };
        let messages = largest.clamp(1.0, self.limits.messages_per_page(poll_message_bytes));
        let answer_bytes = one.answer_bytes + messages * one.wire_bytes(scenario.size);
        let buffer_bytes = one.answer_share * answer_bytes.min(self.limits.write_bytes);
        Cost {
            rates,
            wire_bytes_in_per_s: request_bytes(&rates, scenario, one)
                + rates.requests * form_bytes.record
                + rates.connects * form_bytes.handshake_in,
            wire_bytes_out_per_s: rates.requests * event.answer_bytes
                + rates.requests.min(rates.connections) * form_bytes.date
                + rates.deliveries * event.delivery_bytes
                + rates.keep_alives * event.keep_alive_bytes
                + rates.connects * form_bytes.handshake_out,
            cpu: CpuBy {
                process: self.base_us / US_PER_S,
                publishing: publish_us / US_PER_S,
                requests: (requests_us + wakeup_cost_us) / US_PER_S,
                messages: messages_us / US_PER_S,
                keep_alives: keep_alives_us / US_PER_S,
                connections: connects_us / US_PER_S,
            },
            client_memory_bytes: rates.connections
                * (one.client_bytes + form.client_bytes + buffer_bytes),
            kernel_memory_bytes: rates.connections * self.kernel_bytes,
        }
    }
}

/// The bytes of requests each second.
fn request_bytes(rates: &Rates, scenario: &Scenario, one: &Constants) -> f64 {
    match scenario.request_size {
        RequestSize::Beyond(extra) => rates.requests * (one.request_bytes + extra),
        RequestSize::Packed(lengths) => {
            // The first request on a connection is sent in full; one after an answer with messages has a new cursor.
            let first = rates.connects.min(rates.requests);
            let later = rates.requests - first;
            let moved = match rates.requests {
                0.0 => 0.0,
                requests => (requests - rates.empty) / requests,
            };
            first * lengths.first
                + later * (moved * lengths.moved + (1.0 - moved) * lengths.repeated)
        }
    }
}
