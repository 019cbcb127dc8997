//! The cost of one event of each kind, over the protocol of a scenario.

use crate::{Constants, Model, Scenario, Transport, idle_share};

/// The CPU and bytes of one request, one delivery and one keep-alive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EventCost {
    /// CPU of a request, microseconds.
    pub request_us: f64,
    /// CPU that an answer with messages takes in addition, microseconds.
    pub messages_us: f64,
    /// An answer without its messages.
    pub answer_bytes: f64,
    /// CPU of a delivery, microseconds. A poll's messages are part of its answer.
    pub delivery_us: f64,
    pub delivery_bytes: f64,
    /// Microseconds.
    pub keep_alive_us: f64,
    pub keep_alive_bytes: f64,
}

impl EventCost {
    pub fn new(model: &Model, transport: Transport, scenario: &Scenario) -> Self {
        let one = model.transports.get(transport);
        let form = model.form(scenario.form);
        let form_bytes = scenario.form.bytes();
        // Only on a stream is each message, and each keep-alive, a write and a record of its own.
        let (event_us, event_bytes) = match transport {
            Transport::Stream => (form.event_us, form_bytes.event + form_bytes.record),
            Transport::Poll | Transport::LongPoll => (0.0, 0.0),
        };
        Self {
            request_us: one.request_us
                + form.request_us
                + form.head_kib_us * scenario.request_size.head_bytes() / KIB,
            messages_us: one.answer_us,
            answer_bytes: one.answer_bytes + form_bytes.answer + form_bytes.record,
            delivery_us: one.delivery_us(scenario.size, scenario.rate) + event_us,
            delivery_bytes: one.wire_bytes(scenario.size) + event_bytes,
            keep_alive_us: one.keep_alive_us + event_us,
            keep_alive_bytes: one.keep_alive_bytes + event_bytes,
        }
    }
}

/// Bytes.
const KIB: f64 = 1024.0;

impl Constants {
    /// A message of `size` bytes on the wire.
    pub fn wire_bytes(&self, size: f64) -> f64 {
        self.message_bytes + size
    }

    /// CPU of one delivery of a message of `size` bytes to a client that gets `rate` a second, microseconds.
    fn delivery_us(&self, size: f64, rate: f64) -> f64 {
        let cold_us = self.cold_us * idle_share(self.cold_s, rate);
        self.message_us + cold_us + self.kib_us * self.wire_bytes(size) / KIB
    }
}
