//! The model file: the measured constants, the machine, and the errors.

use std::sync::LazyLock;

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::{
    FormConstants, Machine, PerForm, Protocol, RequestHead, ServerLimits, Transport, WireForm,
    format::counted, idle_share, stack_origin::StackOrigin,
};

/// The format of the file. Another format is refused.
pub const FORMAT: u32 = 2;

/// Microseconds of work that one core does in a second.
pub const US_PER_S: f64 = 1e6;

const BUILT_IN: &str = include_str!("default_model.json");

/// The contents of a model file. `compare --calibrate` writes one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Model {
    pub format: u32,
    /// The program that was measured.
    pub version: String,
    /// RFC 3339.
    pub measured_at: String,
    pub machine: Machine,
    /// The cores that the server had.
    pub server_cores: u32,
    #[serde(rename = "contract")]
    pub limits: ServerLimits,
    /// CPU of the process while nothing happens, microseconds a second.
    #[serde(default)]
    pub base_us: f64,
    /// CPU to take in a message, regardless of its readers, microseconds.
    pub publish_us: f64,
    /// Extra cost of a message that comes long after the last one.
    #[serde(default)]
    pub publish_cold_us: f64,
    /// After a pause of this length the extra cost is half of `publish_cold_us`, seconds.
    #[serde(default)]
    pub publish_cold_s: f64,
    /// CPU to accept and end a connection, microseconds.
    pub connect_us: f64,
    /// CPU to wake up for a request, microseconds.
    pub wake_us: f64,
    /// After a sleep of this length the cost is half of `wake_us`, seconds.
    pub wake_s: f64,
    /// Extra CPU to wake up after a sleep that is much longer, microseconds.
    #[serde(default)]
    pub deep_wake_us: f64,
    /// After a sleep of this length the extra cost is half of `deep_wake_us`, seconds.
    #[serde(default)]
    pub deep_wake_s: f64,
    /// The time from a publish until the first waiting reader has the message, in seconds.
    pub service_s: f64,
    /// Memory of the process without clients.
    pub base_memory_bytes: f64,
    /// Memory of the kernel for the server's end of a connection; 0 if it was not measured.
    #[serde(default)]
    pub kernel_bytes: f64,
    pub transports: PerTransport<Constants>,
    /// `None` in files that are older than these constants, and for other servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forms: Option<PerForm<FormConstants>>,
    /// The measured range.
    pub span: MeasuredRange,
    pub errors: Errors,
    /// The measurements, and the model's prediction for each.
    pub points: Vec<MeasuredPoint>,
    /// The measured stack, if it is not our own server. The constants are then those of one core.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack: Option<StackOrigin>,
}

/// One value for each transport.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PerTransport<T> {
    pub poll: T,
    pub long_poll: T,
    pub stream: T,
}

/// The measured costs of one transport. Bytes are wire bytes; CPU is the server's, user and system, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Constants {
    /// A request, with its head.
    pub request_bytes: f64,
    /// An answer, with its head, without messages.
    pub answer_bytes: f64,
    /// A message, without its text.
    pub message_bytes: f64,
    pub keep_alive_bytes: f64,
    pub request_us: f64,
    /// The extra cost of an answer with messages over an empty one.
    pub answer_us: f64,
    /// A message, without what depends on its text.
    pub message_us: f64,
    /// Extra cost of a message to a client that has not been written to for a long time.
    pub cold_us: f64,
    /// After a pause of this length the extra cost is half of `cold_us`, seconds.
    pub cold_s: f64,
    /// Each KiB of messages.
    pub kib_us: f64,
    pub keep_alive_us: f64,
    /// An idle open client, in microseconds a second. It is not zero for a server that polls for messages.
    #[serde(default, skip_serializing_if = "is_default")]
    pub idle_us: f64,
    /// Memory of a client.
    pub client_bytes: f64,
    /// Memory for each byte of a client's answers, up to [`ServerLimits::write_bytes`] of them.
    pub answer_share: f64,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The smallest and the largest measured values.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MeasuredRange {
    pub clients: [f64; 2],
    pub rate: [f64; 2],
    pub size: [f64; 2],
    pub interval_s: [f64; 2],
}

/// The model's relative errors on points that it was not fitted to.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Errors {
    pub cpu_median: f64,
    pub cpu_worst: f64,
    pub bytes_worst: f64,
    /// `None` if requests were not measured.
    pub requests_worst: Option<f64>,
    /// Only of the built-in model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matrix: Option<MatrixErrors>,
}

/// How far the ratio of polling's CPU to that of SSE is off in the matrix of `cargo bench --bench compare`, none of whose
/// runs the model was fitted to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MatrixErrors {
    /// Factors, from 1 on.
    pub ratio_median: f64,
    pub ratio_worst: f64,
    /// The share of each core that polls keep busy, rounded up to a percent, up to which a ratio was off by more than
    /// [`MatrixErrors::FAR`].
    pub light_load: f64,
}

impl MatrixErrors {
    /// At loads at which a ratio is off by a larger factor, the model does not know the cost.
    pub const FAR: f64 = 2.0;
}

/// One run, and the model's prediction for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MeasuredPoint {
    pub transport: Transport,
    pub clients: f64,
    pub rate: f64,
    pub size: f64,
    /// `None` for transports that do not poll.
    pub interval_s: Option<f64>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub form: WireForm,
    #[serde(default, skip_serializing_if = "is_default")]
    pub head: RequestHead,
    #[serde(default, skip_serializing_if = "is_default")]
    pub cookie_bytes: f64,
    pub purpose: MeasurePurpose,
    /// Whether the clients, rather than the server, limited it.
    pub limited: bool,
    /// The measured and the predicted value; the same for the following fields.
    pub requests_per_s: [f64; 2],
    pub wire_bytes_in_per_s: [f64; 2],
    pub wire_bytes_out_per_s: [f64; 2],
    pub cores: [f64; 2],
}

/// What a point is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MeasurePurpose {
    /// Constants are fitted to it.
    Fit,
    /// The same, with a connection for each poll.
    FitConnecting,
    /// The same, but long enough for a keep-alive. It runs in parallel with the others.
    FitIdle,
    /// It tests the model.
    Check,
}

impl MeasuredPoint {
    /// Whether the model computes the bytes of its requests: over HTTP/2, the instrument's library sends paths and cookies
    /// in full, and the model assumes a browser.
    pub fn has_comparable_requests(&self) -> bool {
        self.form.protocol == Protocol::Http1
    }

    /// `, HTTP/2 over TLS, cookie of 1,024 bytes`; empty without a cookie and over HTTP/1.1 without TLS.
    pub fn variant(&self) -> String {
        let mut text = match self.form.is_plain() {
            true => String::new(),
            false => format!(", {}", self.form.description()),
        };
        if self.cookie_bytes > 0.0 {
            text += &format!(", cookie of {}", counted(self.cookie_bytes, "byte"));
        }
        text
    }
}

impl<T> PerTransport<T> {
    pub fn get(&self, transport: Transport) -> &T {
        match transport {
            Transport::Poll => &self.poll,
            Transport::LongPoll => &self.long_poll,
            Transport::Stream => &self.stream,
        }
    }
}

impl Model {
    /// How many times the measured server fits on a server of `cores`.
    pub fn copies(&self, cores: f64) -> f64 {
        match self.stack {
            Some(_) => cores.ceil().max(1.0),
            None => 1.0,
        }
    }

    /// Streams and waiting long-polls that a server of `cores` can hold. Infinite if there is no limit but memory.
    pub fn workers(&self, cores: f64) -> f64 {
        let workers = self.stack.as_ref().and_then(|stack| stack.workers_per_core);
        workers.map_or(f64::INFINITY, |workers| workers * self.copies(cores))
    }

    /// CPU to take in one of `rate` messages a second over `form`, microseconds.
    pub fn publish_us_at(&self, rate: f64, form: &FormConstants) -> f64 {
        let cold_us = self.publish_cold_us + form.publish_cold_us;
        self.publish_us + cold_us * idle_share(self.publish_cold_s, rate)
    }

    /// The constants of `form`. If none were measured, because the file is older than they are or is of another
    /// server, requests and events take the same multiple as in the built-in model; the rest is that of the built-in
    /// model.
    pub fn form(&self, form: WireForm) -> FormConstants {
        if let Some(forms) = &self.forms {
            return *forms.get(form);
        }
        let built_in = Self::built_in();
        let constants = built_in.forms.unwrap_or_default();
        let constants = constants.get(form);
        let (own, known) = (&self.transports, &built_in.transports);
        FormConstants {
            request_us: constants.request_us * own.poll.request_us / known.poll.request_us,
            event_us: constants.event_us * own.stream.message_us / known.stream.message_us,
            ..*constants
        }
    }

    /// The built-in model.
    ///
    /// # Panics
    ///
    /// Never in a program that was built from a tree whose tests pass.
    pub fn built_in() -> &'static Self {
        static PARSED: LazyLock<Model> = LazyLock::new(|| {
            Model::parse(BUILT_IN).expect("a test reads the file that is built in")
        });
        &PARSED
    }

    /// Reads a model file.
    pub fn parse(text: &str) -> Result<Self> {
        #[derive(Deserialize)]
        struct RawModel {
            format: u32,
        }
        let raw: RawModel = serde_json::from_str(text).context("it is not a model file")?;
        ensure!(
            raw.format == FORMAT,
            "its format is {}, but this program reads format {FORMAT}: calibrate again",
            raw.format
        );
        let model: Self = serde_json::from_str(text).context("it is not a whole model file")?;
        model.check()?;
        Ok(model)
    }

    /// Refuses negative and infinite costs.
    fn check(&self) -> Result<()> {
        ensure_costs(
            "",
            [
                ("base_us", self.base_us),
                ("publish_us", self.publish_us),
                ("publish_cold_us", self.publish_cold_us),
                ("publish_cold_s", self.publish_cold_s),
                ("connect_us", self.connect_us),
                ("wake_us", self.wake_us),
                ("wake_s", self.wake_s),
                ("deep_wake_us", self.deep_wake_us),
                ("deep_wake_s", self.deep_wake_s),
                ("service_s", self.service_s),
                ("base_memory_bytes", self.base_memory_bytes),
                ("kernel_bytes", self.kernel_bytes),
            ],
        )?;
        for transport in Transport::ALL {
            let one = self.transports.get(transport);
            ensure_costs(
                &format!("transports.{transport}."),
                [
                    ("request_bytes", one.request_bytes),
                    ("answer_bytes", one.answer_bytes),
                    ("message_bytes", one.message_bytes),
                    ("keep_alive_bytes", one.keep_alive_bytes),
                    ("request_us", one.request_us),
                    ("answer_us", one.answer_us),
                    ("message_us", one.message_us),
                    ("cold_us", one.cold_us),
                    ("cold_s", one.cold_s),
                    ("kib_us", one.kib_us),
                    ("keep_alive_us", one.keep_alive_us),
                    ("idle_us", one.idle_us),
                    ("client_bytes", one.client_bytes),
                    ("answer_share", one.answer_share),
                ],
            )?;
        }
        if let Some(forms) = &self.forms {
            for (name, one) in forms.named() {
                ensure_costs(&format!("forms.{name}."), one.named())?;
            }
        }
        let ServerLimits {
            page_messages,
            page_bytes,
            keep_alive_s,
            keep_alive_bytes,
            idle_s,
            tail_bytes,
            write_bytes,
        } = self.limits;
        for (name, value) in [
            ("page_messages", page_messages),
            ("page_bytes", page_bytes),
            ("keep_alive_s", keep_alive_s),
            ("keep_alive_bytes", keep_alive_bytes),
            ("idle_s", idle_s),
            ("tail_bytes", tail_bytes),
            ("write_bytes", write_bytes),
        ] {
            ensure!(
                value.is_finite() && value > 0.0,
                "its contract.{name} is {value}; it must be a finite number above 0"
            );
        }
        Ok(())
    }
}

/// `place` is that of the constants in the file.
fn ensure_costs<const N: usize>(place: &str, constants: [(&str, f64); N]) -> Result<()> {
    for (name, value) in constants {
        ensure!(
            value.is_finite() && value >= 0.0,
            "its {place}{name} is {value}; it must be a finite number, 0 or more"
        );
    }
    Ok(())
}
