//! The delays of messages.

use super::{
    ArrivalPattern, Model, Question, Rates, Scenario, US_PER_S, event_cost::EventCost,
    rates::hidden_interval_s,
};
use crate::Transport;

/// The delays of messages, without the time to reach all clients.
pub struct Delays {
    pub mean_s: f64,
    pub worst_s: f64,
    /// The time from the first to the last waiting client that gets a message, if all were on one server.
    pub fan_out_s: f64,
}

impl Delays {
    pub fn new(
        model: &Model,
        question: &Question,
        transport: Transport,
        scenario: &Scenario,
        rates: &Rates,
    ) -> Self {
        let there_s = model.service_s + scenario.round_trip_s / 2.0;
        let event = EventCost::new(model, transport, scenario);
        let (us, bytes) = match transport {
            // Each message has an answer and, before the next, a request of its own.
            Transport::LongPoll => (
                event.request_us + event.messages_us + event.delivery_us,
                event.answer_bytes + event.delivery_bytes,
            ),
            Transport::Poll | Transport::Stream => (event.delivery_us, event.delivery_bytes),
        };
        let server = &question.server;
        let each_s = (us / US_PER_S / server.cores).max(8.0 * bytes / server.network_bits_per_s);
        match transport {
            Transport::Poll => Self::of_polls(there_s, scenario),
            Transport::LongPoll => {
                // A message that arrives while a client sends its next request waits for that request.
                let asking = match scenario.spacing {
                    ArrivalPattern::Random => {
                        rates.requests / scenario.clients * scenario.round_trip_s
                    }
                    ArrivalPattern::Regular if scenario.rate * scenario.round_trip_s >= 1.0 => 1.0,
                    ArrivalPattern::Regular => 0.0,
                };
                let worst = if asking > 0.0 {
                    scenario.round_trip_s
                } else {
                    0.0
                };
                Self {
                    mean_s: there_s + asking * scenario.round_trip_s / 2.0,
                    worst_s: there_s + worst,
                    fan_out_s: scenario.clients * each_s,
                }
            }
            Transport::Stream => Self {
                mean_s: there_s,
                worst_s: there_s,
                fan_out_s: scenario.clients * each_s,
            },
        }
    }

    /// Over clients in visible and in hidden tabs. Each client gets the same number of messages.
    fn of_polls(there_s: f64, scenario: &Scenario) -> Self {
        let hidden = scenario.hidden_share;
        let hidden_s = hidden_interval_s(hidden, scenario.interval_s);
        let mean_interval_s =
            (1.0 - hidden) * scenario.interval_s + hidden * hidden_s.unwrap_or(0.0);
        Self {
            mean_s: there_s + mean_interval_s / 2.0,
            worst_s: there_s + hidden_s.unwrap_or(scenario.interval_s),
            fan_out_s: 0.0,
        }
    }
}
