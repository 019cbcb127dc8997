//! How late messages are.

use super::{Flow, Model, Question, Setting, Spacing, US_PER_S};
use crate::Transport;

/// How late messages are, apart from the time it takes to reach all clients.
pub struct Delays {
    pub mean_s: f64,
    pub worst_s: f64,
    /// From the first to the last of the clients that wait for a message, were they all on one server.
    pub fan_out_s: f64,
}

impl Delays {
    pub fn of(
        model: &Model,
        question: &Question,
        transport: Transport,
        setting: &Setting,
        flow: &Flow,
    ) -> Self {
        let one = model.transports.of(transport);
        let there_s = model.service_s + setting.round_trip_s / 2.0;
        let us = one.delivery_us(setting.size, setting.rate)
            + match transport {
                Transport::LongPoll => one.request_us + one.answer_us,
                Transport::Poll | Transport::Stream => 0.0,
            };
        let bits = 8.0 * (one.answer_bytes + one.wire_bytes(setting.size));
        let server = &question.server;
        let each_s = (us / US_PER_S / server.cores).max(bits / server.network_bits_per_s);
        match transport {
            Transport::Poll => Self {
                mean_s: there_s + setting.interval_s / 2.0,
                worst_s: there_s + setting.interval_s,
                fan_out_s: 0.0,
            },
            Transport::LongPoll => {
                // What comes while a client asks anew waits until that has arrived.
                let asking = match setting.spacing {
                    Spacing::Random => flow.requests / setting.clients * setting.round_trip_s,
                    Spacing::Regular if setting.rate * setting.round_trip_s >= 1.0 => 1.0,
                    Spacing::Regular => 0.0,
                };
                let worst = if asking > 0.0 {
                    setting.round_trip_s
                } else {
                    0.0
                };
                Self {
                    mean_s: there_s + asking * setting.round_trip_s / 2.0,
                    worst_s: there_s + worst,
                    fan_out_s: setting.clients * each_s,
                }
            }
            Transport::Stream => Self {
                mean_s: there_s,
                worst_s: there_s,
                fan_out_s: setting.clients * each_s,
            },
        }
    }
}
