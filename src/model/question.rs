//! The question of a plan: the clients, the messages, the acceptable delay, and the size of one server. Ranges and
//! defaults are defined only here; the flags of `plan` and the parameters of `GET /plan` use them.

use serde::{Deserialize, Serialize};

use crate::{ArrivalPattern, Model, RequestHead, RequestSize, Scenario, Utilization, WireForm};

const GIB: f64 = 1024.0 * 1024.0 * 1024.0;
const GBIT: f64 = 1e9;

/// The shortest polling interval, in seconds. If no interval is short enough, the costs are those of this one.
pub const SHORTEST_INTERVAL_S: f64 = 0.001;

/// The input of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Question {
    pub clients: f64,
    /// Messages a second for each client.
    pub rate: f64,
    /// The text of a message, bytes.
    #[serde(rename = "size_bytes")]
    pub size: f64,
    /// The acceptable delay of a message in the worst case, seconds.
    pub max_delay_s: f64,
    pub spacing: ArrivalPattern,
    /// How long a long-poll asks to wait, seconds.
    pub wait_s: f64,
    /// From a client to the server and back, seconds.
    pub round_trip_s: f64,
    /// The program whose request heads are assumed.
    pub head: RequestHead,
    /// A cookie of this many bytes in every request; 0 for none.
    pub cookie_bytes: f64,
    /// The share of clients in hidden tabs, which poll once a minute.
    pub hidden_share: f64,
    /// The protocol: `protocol` and `tls`.
    #[serde(flatten)]
    pub form: WireForm,
    pub server: ServerSize,
}

/// One server, and the share of it that may be used.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ServerSize {
    pub cores: f64,
    pub memory_bytes: f64,
    /// In each direction, bits a second.
    pub network_bits_per_s: f64,
    /// The share of cores, memory and network that may be used.
    pub utilization: f64,
}

/// A value outside the range of its field.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("must be {least} to {most}{unit}, and is {value}{unit}", unit = field.unit())]
pub struct OutOfRange {
    pub field: QuestionField,
    pub value: f64,
    pub least: f64,
    pub most: f64,
}

/// A numeric input. Its name is that of the parameter of `GET /plan`; the flag has hyphens instead of underscores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuestionField {
    Clients,
    Rate,
    Size,
    MaxDelay,
    Wait,
    RoundTrip,
    Cookie,
    HiddenShare,
    ServerCores,
    ServerMemoryGib,
    ServerNetworkGbit,
    Utilization,
}

impl QuestionField {
    pub const ALL: [Self; 12] = [
        Self::Clients,
        Self::Rate,
        Self::Size,
        Self::MaxDelay,
        Self::Wait,
        Self::RoundTrip,
        Self::Cookie,
        Self::HiddenShare,
        Self::ServerCores,
        Self::ServerMemoryGib,
        Self::ServerNetworkGbit,
        Self::Utilization,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Clients => "clients",
            Self::Rate => "rate",
            Self::Size => "size",
            Self::MaxDelay => "max_delay",
            Self::Wait => "wait",
            Self::RoundTrip => "round_trip",
            Self::Cookie => "cookie",
            Self::HiddenShare => "hidden_share",
            Self::ServerCores => "server_cores",
            Self::ServerMemoryGib => "server_memory_gib",
            Self::ServerNetworkGbit => "server_network_gbit",
            Self::Utilization => "utilization",
        }
    }

    /// Whether its value is a time, which is written with a unit (`2s`, `250ms`).
    pub fn is_time(self) -> bool {
        matches!(self, Self::MaxDelay | Self::Wait | Self::RoundTrip)
    }

    fn unit(self) -> &'static str {
        if self.is_time() { " s" } else { "" }
    }

    /// The range of its values.
    pub fn range(self) -> [f64; 2] {
        match self {
            Self::Clients => [1.0, 1e10],
            Self::Rate => [1e-6, 1e4],
            Self::Size => [1.0, 16_000.0],
            Self::MaxDelay => [0.001, 86_400.0],
            Self::Wait => [1.0, 60.0],
            Self::RoundTrip => [0.0, 60.0],
            Self::Cookie => [0.0, 32_000.0],
            Self::HiddenShare => [0.0, 1.0],
            Self::ServerCores => [0.1, 1024.0],
            Self::ServerMemoryGib => [0.25, 65_536.0],
            Self::ServerNetworkGbit => [0.001, 10_000.0],
            Self::Utilization => [0.01, 0.99],
        }
    }
}

impl Default for Question {
    fn default() -> Self {
        Self {
            clients: 10_000.0,
            rate: 1.0,
            size: 100.0,
            max_delay_s: 2.0,
            spacing: ArrivalPattern::Random,
            wait_s: 25.0,
            round_trip_s: 0.0,
            head: RequestHead::Chrome,
            cookie_bytes: 0.0,
            hidden_share: 0.0,
            form: WireForm::default(),
            server: ServerSize {
                cores: 4.0,
                memory_bytes: 8.0 * GIB,
                network_bits_per_s: GBIT,
                utilization: 0.6,
            },
        }
    }
}

impl Question {
    /// The value of `field`, in the unit that its name or [`QuestionField::is_time`] says.
    pub fn get(&self, field: QuestionField) -> f64 {
        match field {
            QuestionField::Clients => self.clients,
            QuestionField::Rate => self.rate,
            QuestionField::Size => self.size,
            QuestionField::MaxDelay => self.max_delay_s,
            QuestionField::Wait => self.wait_s,
            QuestionField::RoundTrip => self.round_trip_s,
            QuestionField::Cookie => self.cookie_bytes,
            QuestionField::HiddenShare => self.hidden_share,
            QuestionField::ServerCores => self.server.cores,
            QuestionField::ServerMemoryGib => self.server.memory_bytes / GIB,
            QuestionField::ServerNetworkGbit => self.server.network_bits_per_s / GBIT,
            QuestionField::Utilization => self.server.utilization,
        }
    }

    /// Sets `field`, in the same unit as [`Question::get`]. Clients and bytes are rounded to whole numbers.
    ///
    /// # Errors
    ///
    /// If the value is not within [`QuestionField::range`].
    pub fn set(&mut self, field: QuestionField, value: f64) -> Result<(), OutOfRange> {
        let [least, most] = field.range();
        if !(least..=most).contains(&value) {
            return Err(OutOfRange {
                field,
                value,
                least,
                most,
            });
        }
        match field {
            QuestionField::Clients => self.clients = value.round(),
            QuestionField::Size => self.size = value.round(),
            QuestionField::Cookie => self.cookie_bytes = value.round(),
            QuestionField::HiddenShare => self.hidden_share = value,
            QuestionField::Rate => self.rate = value,
            QuestionField::MaxDelay => self.max_delay_s = value,
            QuestionField::Wait => self.wait_s = value,
            QuestionField::RoundTrip => self.round_trip_s = value,
            QuestionField::ServerCores => self.server.cores = value,
            QuestionField::ServerMemoryGib => self.server.memory_bytes = value * GIB,
            QuestionField::ServerNetworkGbit => self.server.network_bits_per_s = value * GBIT,
            QuestionField::Utilization => self.server.utilization = value,
        }
        Ok(())
    }

    /// The polling interval. `None` if even an immediate answer is too late.
    pub fn interval_s(&self, model: &Model) -> Option<f64> {
        let left = self.max_delay_s - model.service_s - self.round_trip_s / 2.0;
        (left >= SHORTEST_INTERVAL_S).then_some(left)
    }

    /// The length of requests. The host name is as long as the one in the measured bare request.
    fn request_size(&self) -> RequestSize {
        const HOST: &str = "127.0.0.1:8080";
        let cookie_bytes = self.cookie_bytes as usize;
        RequestSize::of_polls(self.form.protocol, self.head, HOST, cookie_bytes)
    }

    pub fn scenario(&self, interval_s: f64, load: Utilization) -> Scenario {
        Scenario {
            clients: self.clients,
            rate: self.rate,
            size: self.size,
            spacing: self.spacing,
            interval_s,
            wait_s: self.wait_s,
            round_trip_s: self.round_trip_s,
            form: self.form,
            request_size: self.request_size(),
            closes: false,
            hidden_share: self.hidden_share,
            load,
        }
    }
}
