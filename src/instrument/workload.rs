//! The workload of a run: how many clients, how many messages, for how long.

use std::time::Duration;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::{Protocol, RequestHead, Transport};

/// One workload. It is fixed before a run begins; a run never adapts to the server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Workload {
    pub transports: Vec<Transport>,
    /// How many times each transport is measured; transports take turns.
    pub repeat: u32,
    /// The number of clients.
    pub clients: usize,
    /// Messages published a second.
    pub rate: f64,
    /// The time between two polls of a client.
    #[serde(rename = "interval_s", with = "seconds")]
    pub interval: Duration,
    /// What the interval is counted from.
    pub pace: Pacing,
    /// How long a long-poll asks to wait.
    #[serde(rename = "wait_s", with = "seconds")]
    pub wait: Duration,
    /// The measured time, rounded up to a whole number of messages, see [`Workload::measured`].
    #[serde(rename = "duration_s", with = "seconds")]
    pub duration: Duration,
    /// The text of a message, bytes.
    #[serde(rename = "size_bytes")]
    pub size: usize,
    /// The program whose request heads the clients send. Reports without this field were made with bare heads.
    #[serde(default)]
    pub head: RequestHead,
    /// The requested protocol; `None` leaves it to the address and ALPN. Each result has the protocol that was used.
    #[serde(default)]
    pub protocol: Option<Protocol>,
    /// Whether each poll has its own connection.
    #[serde(default)]
    pub new_connections: bool,
    /// The number of rooms that clients and messages are spread over, in turn.
    #[serde(default = "default_rooms")]
    pub rooms: usize,
    /// The number of additional clients that send their first request and stop reading. No other figure includes
    /// them.
    #[serde(default)]
    pub stalled: usize,
    /// The number of additional clients that vanish when publishing begins. No other figure includes them.
    #[serde(default)]
    pub vanish: usize,
    /// How clients connect.
    #[serde(default)]
    pub scenario: LoadScenario,
    /// A `Cookie` of this many bytes is sent with every request; 0 for none.
    #[serde(default)]
    pub cookie_bytes: usize,
}

fn default_rooms() -> usize {
    1
}

/// How clients connect to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum LoadScenario {
    /// A few at a time, so that the measured server is in a steady state.
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
    /// It polls at fixed times, an interval apart, like a timer in a page.
    FixedTimes,
    /// It polls an interval after the last answer.
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

/// Even clients without an interval need this time to reach a steady state.
const SHORTEST_WARM_UP: Duration = Duration::from_secs(1);

impl Workload {
    /// How many messages are published within the measured time: at least one.
    pub fn messages(&self) -> u64 {
        // Rounding up must not turn a whole number, computed in floating point, into the next one.
        const ROUNDING: f64 = 1e-6;
        ((self.duration.as_secs_f64() * self.rate - ROUNDING).ceil() as u64).max(1)
    }

    /// The real measured time: whole periods of the publisher, so that messages in transit at its beginning and its
    /// end cancel out.
    pub fn measured(&self) -> Duration {
        Duration::from_secs_f64(self.messages() as f64 / self.rate)
    }

    /// How long clients run, and messages are published, before counting begins.
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
