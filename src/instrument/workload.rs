//! What is asked of a server: how many clients, how many messages, for how long.

use std::time::Duration;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::{Protocol, RequestHead, Transport};

/// One question. Everything about it is fixed before a run begins; a run never adapts to the server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Workload {
    pub transports: Vec<Transport>,
    /// How many times each transport is measured; transports take turns.
    pub repeat: u32,
    /// Clients at the same time. All read the one room that is published to.
    pub clients: usize,
    /// Messages published a second.
    pub rate: f64,
    /// How often a client polls.
    #[serde(rename = "interval_s", with = "seconds")]
    pub interval: Duration,
    /// What the interval is counted from.
    pub pace: Pacing,
    /// How long a long-poll asks to wait.
    #[serde(rename = "wait_s", with = "seconds")]
    pub wait: Duration,
    /// How long is measured. Rounded up to a whole number of messages, see
    /// [`Workload::measured`].
    #[serde(rename = "duration_s", with = "seconds")]
    pub duration: Duration,
    /// The text of a message, bytes.
    #[serde(rename = "size_bytes")]
    pub size: usize,
    /// Whose request heads the clients send. Reports that do not say so were made with bare ones.
    #[serde(default)]
    pub head: RequestHead,
    /// The protocol that was asked for; `None` leaves it to the address and ALPN. What was spoken is in each
    /// result.
    #[serde(default)]
    pub protocol: Option<Protocol>,
    /// Whether each poll has its own connection.
    #[serde(default)]
    pub new_connections: bool,
    /// Rooms that clients and messages are spread over, in turn.
    #[serde(default = "default_rooms")]
    pub rooms: usize,
    /// Further clients, which send their first request and stop reading. They are in no other figure.
    #[serde(default)]
    pub stalled: usize,
    /// Further clients, which go without a word as the messages begin. They are in no other figure.
    #[serde(default)]
    pub vanish: usize,
    /// How clients come.
    #[serde(default)]
    pub scenario: LoadScenario,
    /// A `Cookie` of this many bytes is sent with every request; 0 for none.
    #[serde(default)]
    pub cookie_bytes: usize,
}

fn default_rooms() -> usize {
    1
}

/// How clients come to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum LoadScenario {
    /// A few at a time, so that what is measured is a server in its stride.
    #[default]
    Steady,
    /// All at once, as after an alarm.
    Herd,
    /// A few at a time; the server is restarted after a third of the measured time.
    Restart,
}

/// What a polling client does between two polls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Pacing {
    /// It asks at fixed times, an interval apart, like a timer in a page.
    FixedTimes,
    /// It asks an interval after it had the last answer.
    AfterAnswer,
}

impl Default for Workload {
    fn default() -> Self {
        Self {
            transports: Transport::ALL.to_vec(),
            repeat: 1,
            clients: 100,
            rate: 1.0,
            interval: Duration::from_secs(2),
            pace: Pacing::FixedTimes,
            wait: Duration::from_secs(25),
            duration: Duration::from_secs(30),
            size: 100,
            head: RequestHead::Bare,
            cookie_bytes: 0,
            protocol: None,
            rooms: 1,
            stalled: 0,
            vanish: 0,
            scenario: LoadScenario::Steady,
            new_connections: false,
        }
    }
}

/// Below this even a client without an interval to fill is not in its stride.
const SHORTEST_WARM_UP: Duration = Duration::from_secs(1);

impl Workload {
    /// How many messages are published while it is measured: at least one.
    pub fn messages(&self) -> u64 {
        // A whole number that was computed in floating point must not become the next one.
        const ROUNDING: f64 = 1e-6;
        ((self.duration.as_secs_f64() * self.rate - ROUNDING).ceil() as u64).max(1)
    }

    /// How long is really measured: whole periods of the publisher, so that what is under way when
    /// it begins and when it ends cancels out.
    pub fn measured(&self) -> Duration {
        Duration::from_secs_f64(self.messages() as f64 / self.rate)
    }

    /// How long clients run, and messages are published, before anything is counted.
    pub fn warm_up(&self, transport: Transport) -> Duration {
        match transport {
            Transport::Poll => self.interval.max(SHORTEST_WARM_UP),
            Transport::LongPoll | Transport::Stream => SHORTEST_WARM_UP,
        }
    }
}

/// A length of time as a number of seconds.
mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64(duration.as_secs_f64())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        Duration::try_from_secs_f64(f64::deserialize(from)?).map_err(Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_measured_time_is_a_whole_number_of_messages() {
        let measured = |rate, seconds| {
            let duration = Duration::from_secs(seconds);
            let workload = Workload {
                rate,
                duration,
                ..Workload::default()
            };
            (workload.messages(), workload.measured().as_secs_f64())
        };
        assert_eq!(measured(1.0, 30), (30, 30.0));
        assert_eq!(measured(0.1, 30), (3, 30.0));
        assert_eq!(measured(0.1, 1), (1, 10.0));
        assert_eq!(measured(100.0, 2), (200, 2.0));
        assert_eq!(measured(0.4, 4), (2, 5.0));
    }
}
