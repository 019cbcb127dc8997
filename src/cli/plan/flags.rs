//! The flags of `plan`, and the question that they make.

use std::{borrow::Cow, fs, path::PathBuf, time::Duration};

use anyhow::{Context as _, Result};
use clap::Args;

use poll_vs_sse_model::{
    ArrivalPattern, Model, Prices, Protocol, Question, QuestionField, RequestHead, StackModel,
    WireForm, prices,
};

use crate::cli::value;

/// Predict what a number of clients would cost on each transport, from a calibrated model
///
/// `plan` measures nothing. It computes the answer from constants that `compare --calibrate`
/// measured, on this machine or on the machine of the built-in model. docs/model.md has the
/// formulas and their errors.
///
///     poll-vs-sse plan --clients 1000000 --rate 0.05 --size 200 --max-delay 2s
#[derive(Debug, Clone, Args)]
#[command(verbatim_doc_comment, allow_negative_numbers = true)]
pub struct PlanFlags {
    /// The number of clients.
    #[arg(
        long,
        env = "POLL_VS_SSE_CLIENTS",
        value_name = "N",
        default_value = "10000",
        value_parser = value::count,
        allow_hyphen_values = true,
        help_heading = "Question"
    )]
    clients: usize,

    /// Messages a second for each client.
    #[arg(
        long,
        env = "POLL_VS_SSE_RATE",
        value_name = "R",
        default_value = "1",
        value_parser = value::rate,
        allow_hyphen_values = true,
        help_heading = "Question"
    )]
    rate: f64,

    /// The length of a message's text.
    #[arg(
        long,
        env = "POLL_VS_SSE_SIZE",
        value_name = "BYTES",
        default_value = "100",
        value_parser = value::whole_size,
        allow_hyphen_values = true,
        help_heading = "Question"
    )]
    size: usize,

    /// The greatest delay a message may have. It decides how often a client must poll.
    #[arg(long, env = "POLL_VS_SSE_MAX_DELAY", value_name = "TIME", default_value = "2s", value_parser = value::duration, allow_hyphen_values = true, help_heading = "Question")]
    max_delay: Duration,

    /// How messages are spaced in time: `random`, as people write, or `regular`, like a clock.
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
    #[arg(long, env = "POLL_VS_SSE_WAIT", value_name = "TIME", default_value = "25s", value_parser = value::duration, allow_hyphen_values = true, help_heading = "Question")]
    wait: Duration,

    /// The time from a client to the server and back. A message that comes while a long-poll is in transit waits for
    /// the next long-poll.
    #[arg(long, env = "POLL_VS_SSE_ROUND_TRIP", value_name = "TIME", default_value = "0s", value_parser = value::duration, allow_hyphen_values = true, help_heading = "Question")]
    round_trip: Duration,

    /// The program whose request heads are assumed; `bare` has only `Host`.
    #[arg(
        long,
        env = "POLL_VS_SSE_HEAD",
        value_name = "bare|curl|chrome|firefox",
        hide_possible_values = true,
        default_value = "chrome",
        help_heading = "Question"
    )]
    head: RequestHead,

    /// The size of a `Cookie` header in every request; 0 for none.
    #[arg(
        long,
        env = "POLL_VS_SSE_COOKIE",
        value_name = "BYTES",
        default_value = "0",
        value_parser = value::whole_size,
        allow_hyphen_values = true,
        help_heading = "Question"
    )]
    cookie: usize,

    /// The share of clients in hidden tabs. Browsers slow their timers down, so they poll once a minute.
    #[arg(
        long,
        env = "POLL_VS_SSE_HIDDEN_SHARE",
        value_name = "SHARE",
        default_value = "0",
        value_parser = value::share,
        allow_hyphen_values = true,
        help_heading = "Question"
    )]
    hidden_share: f64,

    /// The version of HTTP that clients speak.
    #[arg(
        long,
        env = "POLL_VS_SSE_PROTOCOL",
        value_name = "http/1.1|h2",
        hide_possible_values = true,
        default_value = "http/1.1",
        help_heading = "Question"
    )]
    protocol: Protocol,

    /// Whether clients use TLS.
    #[arg(
        long,
        env = "POLL_VS_SSE_PLAN_TLS",
        value_parser = clap::builder::BoolishValueParser::new(),
        help_heading = "Question"
    )]
    tls: bool,

    /// Processors of one server [default: those of the price list, or 4].
    #[arg(
        long,
        env = "POLL_VS_SSE_SERVER_CORES",
        value_name = "N",
        value_parser = value::cores,
        allow_hyphen_values = true,
        help_heading = "Servers"
    )]
    server_cores: Option<f64>,

    /// Memory of one server, GiB [default: that of the price list, or 8].
    #[arg(
        long,
        env = "POLL_VS_SSE_SERVER_MEMORY_GIB",
        value_name = "GIB",
        value_parser = value::gib,
        allow_hyphen_values = true,
        help_heading = "Servers"
    )]
    server_memory_gib: Option<f64>,

    /// Network of one server, each way, Gbit/s.
    #[arg(
        long,
        env = "POLL_VS_SSE_SERVER_NETWORK_GBIT",
        value_name = "GBIT",
        default_value = "1",
        value_parser = value::gbit,
        allow_hyphen_values = true,
        help_heading = "Servers"
    )]
    server_network_gbit: f64,

    /// The share of a server's processors, memory and network that may be used.
    #[arg(
        long,
        env = "POLL_VS_SSE_UTILIZATION",
        value_name = "SHARE",
        default_value = "0.6",
        value_parser = value::share,
        allow_hyphen_values = true,
        help_heading = "Servers"
    )]
    utilization: f64,

    /// Predict the cost of another server, as a committed run measured it (docs/stacks.md). `list` prints the names.
    #[arg(
        long,
        env = "POLL_VS_SSE_STACK",
        value_name = "NAME|list",
        conflicts_with = "model",
        help_heading = "Model"
    )]
    stack: Option<String>,

    /// A model that `compare --calibrate FILE` wrote [default: the built-in model].
    #[arg(
        long,
        env = "POLL_VS_SSE_MODEL",
        value_name = "FILE",
        help_heading = "Model"
    )]
    model: Option<PathBuf>,

    /// A price list, as docs/model.md describes. Adds a monthly bill for each transport, and the delays at which
    /// polling's bill is lower.
    #[arg(
        long,
        env = "POLL_VS_SSE_PRICES",
        value_name = "FILE.toml",
        help_heading = "Money"
    )]
    prices: Option<PathBuf>,

    /// Print JSON.
    #[arg(long, env = "POLL_VS_SSE_PLAN_JSON", value_parser = clap::builder::BoolishValueParser::new(), help_heading = "Output")]
    pub json: bool,
}

impl PlanFlags {
    /// # Errors
    ///
    /// One sentence in words of the command line.
    pub fn question(&self, prices: Option<&Prices>) -> Result<Question> {
        let default = Question::default();
        let default = prices.map_or(Ok(default), |prices| prices.sized(default))?;
        let mut question = Question {
            spacing: self.spacing,
            head: self.head,
            form: WireForm::new(self.protocol, self.tls),
            ..default
        };
        for (field, value) in [
            (QuestionField::Clients, self.clients as f64),
            (QuestionField::Rate, self.rate),
            (QuestionField::Size, self.size as f64),
            (QuestionField::MaxDelay, self.max_delay.as_secs_f64()),
            (QuestionField::Wait, self.wait.as_secs_f64()),
            (QuestionField::RoundTrip, self.round_trip.as_secs_f64()),
            (QuestionField::Cookie, self.cookie as f64),
            (QuestionField::HiddenShare, self.hidden_share),
            (
                QuestionField::ServerCores,
                self.server_cores.unwrap_or(default.server.cores),
            ),
            (
                QuestionField::ServerMemoryGib,
                (self.server_memory_gib)
                    .unwrap_or_else(|| default.get(QuestionField::ServerMemoryGib)),
            ),
            (QuestionField::ServerNetworkGbit, self.server_network_gbit),
            (QuestionField::Utilization, self.utilization),
        ] {
            let flag = || format!("--{}", field.name().replace('_', "-"));
            question
                .set(field, value)
                .map_err(|error| anyhow::anyhow!("{} {error}", flag()))?;
        }
        Ok(question)
    }

    /// The price list, if the flag is given.
    pub fn prices(&self) -> Result<Option<Prices>> {
        let Some(path) = &self.prices else {
            return Ok(None);
        };
        let name = path.display().to_string();
        let text =
            fs::read_to_string(path).with_context(|| format!("cannot read the prices {name}"))?;
        prices::read(&text, &name).map(Some)
    }

    /// Whether to print only the names of stacks.
    pub fn is_list(&self) -> bool {
        self.stack.as_deref() == Some("list")
    }

    /// The model for `question`.
    pub fn model(&self, question: &Question) -> Result<Cow<'static, Model>> {
        if let Some(name) = &self.stack {
            let found = StackModel::find(name)
                .and_then(|stack| StackModel::check(question).map(|()| stack));
            let stack = found.map_err(|reason| anyhow::anyhow!("--stack {name} {reason}"))?;
            return Ok(Cow::Owned(stack.model()));
        }
        let Some(path) = &self.model else {
            return Ok(Cow::Borrowed(Model::built_in()));
        };
        let text = fs::read_to_string(path)
            .with_context(|| format!("cannot read the model {}", path.display()))?;
        Model::parse(&text)
            .map(Cow::Owned)
            .with_context(|| format!("the model {}", path.display()))
    }
}
