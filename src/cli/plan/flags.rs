//! The flags of `plan`, and what they ask.

use std::{fs, ops::RangeInclusive, path::PathBuf, time::Duration};

use anyhow::{Context as _, Result, ensure};
use clap::Args;

use poll_vs_sse_model::{ArrivalPattern, Model, Question, ServerSize};

/// What a number of clients would cost on each transport, from a calibrated model.
///
/// Nothing is measured: the answer is computed from what `compare --calibrate` measured, here or on
/// the machine whose model comes with the program. docs/model.md has the formulas, and how far they
/// are off.
///
///     poll-vs-sse plan --clients 1000000 --rate 0.05 --size 200 --max-delay 2s
#[derive(Debug, Clone, Args)]
#[command(verbatim_doc_comment, allow_negative_numbers = true)]
pub struct PlanFlags {
    /// Clients at a time.
    #[arg(
        long,
        env = "POLL_VS_SSE_CLIENTS",
        value_name = "N",
        default_value_t = 10_000.0,
        help_heading = "Question"
    )]
    clients: f64,

    /// Messages a second that each client is to get.
    #[arg(
        long,
        env = "POLL_VS_SSE_RATE",
        value_name = "R",
        default_value_t = 1.0,
        help_heading = "Question"
    )]
    rate: f64,

    /// Text of a message.
    #[arg(
        long,
        env = "POLL_VS_SSE_SIZE",
        value_name = "BYTES",
        default_value_t = 100.0,
        help_heading = "Question"
    )]
    size: f64,

    /// How late a message may be at the worst. It decides how often a polling client must ask.
    #[arg(long, env = "POLL_VS_SSE_MAX_DELAY", value_name = "TIME", default_value = "2s", value_parser = duration, help_heading = "Question")]
    max_delay: Duration,

    /// How messages lie in time: as people write, or as a clock ticks.
    #[arg(
        long,
        env = "POLL_VS_SSE_SPACING",
        value_name = "random|regular",
        hide_possible_values = true,
        default_value = "random",
        help_heading = "Question"
    )]
    spacing: ArrivalPattern,

    /// How long a long-poll asks to wait for a message.
    #[arg(long, env = "POLL_VS_SSE_WAIT", value_name = "TIME", default_value = "25s", value_parser = duration, help_heading = "Question")]
    wait: Duration,

    /// From a client to the server and back. What comes while a long-poll is on its way waits for the
    /// next.
    #[arg(long, env = "POLL_VS_SSE_ROUND_TRIP", value_name = "TIME", default_value = "0s", value_parser = duration, help_heading = "Question")]
    round_trip: Duration,

    /// Processors of one server.
    #[arg(
        long,
        env = "POLL_VS_SSE_SERVER_CORES",
        value_name = "N",
        default_value_t = 4.0,
        help_heading = "Servers"
    )]
    server_cores: f64,

    /// Memory of one server, GiB.
    #[arg(
        long,
        env = "POLL_VS_SSE_SERVER_MEMORY_GIB",
        value_name = "GIB",
        default_value_t = 8.0,
        help_heading = "Servers"
    )]
    server_memory_gib: f64,

    /// Network of one server, each way, Gbit/s.
    #[arg(
        long,
        env = "POLL_VS_SSE_SERVER_NETWORK_GBIT",
        value_name = "GBIT",
        default_value_t = 1.0,
        help_heading = "Servers"
    )]
    server_network_gbit: f64,

    /// The share of each of these that is to be used.
    #[arg(
        long,
        env = "POLL_VS_SSE_UTILIZATION",
        value_name = "SHARE",
        default_value_t = 0.6,
        help_heading = "Servers"
    )]
    utilization: f64,

    /// A model that `compare --calibrate FILE` wrote [default: the one that comes with the program].
    #[arg(
        long,
        env = "POLL_VS_SSE_MODEL",
        value_name = "FILE",
        help_heading = "Model"
    )]
    model: Option<PathBuf>,

    /// Print JSON.
    #[arg(long, env = "POLL_VS_SSE_PLAN_JSON", value_parser = clap::builder::BoolishValueParser::new(), help_heading = "Output")]
    pub json: bool,
}

const GIB: f64 = 1024.0 * 1024.0 * 1024.0;
const GBIT: f64 = 1e9;

impl PlanFlags {
    /// # Errors
    ///
    /// One sentence in words of the command line.
    pub fn question(&self) -> Result<Question> {
        let within = |flag: &str, value: f64, range: RangeInclusive<f64>| {
            let (least, most) = (range.start(), range.end());
            ensure!(
                range.contains(&value),
                "{flag} must be within {least} to {most}, and is {value}"
            );
            Ok(value)
        };
        let within_s = |flag: &str, value: Duration, range: RangeInclusive<f64>| {
            let (least, most) = (range.start(), range.end());
            let seconds = value.as_secs_f64();
            ensure!(
                range.contains(&seconds),
                "{flag} must be within {least} to {most} s, and is {seconds} s"
            );
            Ok(seconds)
        };
        Ok(Question {
            clients: within("--clients", self.clients, 1.0..=1e10)?.round(),
            rate: within("--rate", self.rate, 1e-6..=1e4)?,
            size: within("--size", self.size, 1.0..=16_000.0)?,
            max_delay_s: within_s("--max-delay", self.max_delay, 0.001..=86_400.0)?,
            spacing: self.spacing,
            wait_s: within_s("--wait", self.wait, 1.0..=60.0)?,
            round_trip_s: within_s("--round-trip", self.round_trip, 0.0..=60.0)?,
            server: ServerSize {
                cores: within("--server-cores", self.server_cores, 0.1..=1024.0)?,
                memory_bytes: GIB
                    * within(
                        "--server-memory-gib",
                        self.server_memory_gib,
                        0.25..=65_536.0,
                    )?,
                network_bits_per_s: GBIT
                    * within(
                        "--server-network-gbit",
                        self.server_network_gbit,
                        0.001..=10_000.0,
                    )?,
                utilization: within("--utilization", self.utilization, 0.01..=0.99)?,
            },
        })
    }

    pub fn model(&self) -> Result<Model> {
        let Some(path) = &self.model else {
            return Ok(Model::built_in());
        };
        let text = fs::read_to_string(path)
            .with_context(|| format!("cannot read the model {}", path.display()))?;
        Model::parse(&text).with_context(|| format!("the model {}", path.display()))
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map_err(|_| "expected a duration such as `250ms`, `2s` or `1m 30s`".to_owned())
}
