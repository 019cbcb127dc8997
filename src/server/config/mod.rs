//! Flags and environment variables, checked once and turned into a typed [`Config`].

mod access;
mod limits;
mod nats;
mod sqlite_path;
mod store;
mod tls;
mod value;

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use clap::{Args, ValueEnum, builder::PossibleValue};

pub use self::{access::AccessConfig, store::StoreChoice, tls::TlsConfig};
use self::{
    access::AccessFlags,
    limits::LimitFlags,
    nats::NatsFlags,
    store::{StoreFlag, store},
    tls::TlsFlags,
    value::{address, choice, count, number, parse_on_off, plain},
};
use crate::{ledger::access_log::Format, limits::Limits, log::retention::Retention};

/// The longest drain.
const MAX_DRAIN: Duration = Duration::from_secs(3600);

/// The flags of `serve`.
#[derive(Debug, Clone, Args)]
pub struct Serve {
    /// Address and port to listen on. Port 0 takes a free port.
    #[arg(long, env = "POLL_VS_SSE_BIND", value_name = "ADDR:PORT", default_value = "127.0.0.1:8080", value_parser = address)]
    bind: SocketAddr,

    /// Where messages are kept: `memory` (lost when the server stops), `sqlite:PATH`, or
    /// `nats://HOST:PORT[,HOST:PORT…]` (JetStream, for several servers; `tls://` encrypts).
    #[arg(long, env = "POLL_VS_SSE_STORE", hide_env_values = true, value_name = "STORE", default_value = "sqlite:chat.db", value_parser = store)]
    store: StoreFlag,

    /// If the store cannot be opened, wait for it instead of ending.
    #[arg(long, env = "POLL_VS_SSE_WAIT_FOR_STORE", value_parser = parse_on_off)]
    wait_for_store: bool,

    /// Threads that serve requests [default: one per processor].
    #[arg(long, env = "POLL_VS_SSE_WORKERS", value_name = "N", allow_hyphen_values = true, value_parser = workers)]
    workers: Option<u16>,

    /// How many of the newest messages of the whole log to keep. `off` keeps all.
    #[arg(long, env = "POLL_VS_SSE_RETAIN_MESSAGES", value_name = "N", default_value = "1000000", allow_hyphen_values = true, value_parser = messages)]
    retain_messages: MaxOrOff<u64>,

    /// How long to keep messages, such as `36h` or `7d`. `off` keeps them forever.
    #[arg(long, env = "POLL_VS_SSE_RETAIN_AGE", value_name = "AGE", default_value = "7d", allow_hyphen_values = true, value_parser = age)]
    retain_age: MaxOrOff<Duration>,

    /// Whether to log each request. Summaries are written in both cases.
    #[arg(long, env = "POLL_VS_SSE_REQUEST_LOG", action = clap::ArgAction::Set, value_name = "on|off", default_value = "on", value_parser = parse_on_off)]
    request_log: bool,

    /// Format of the log lines. As text on a terminal, requests and summaries are shorter.
    #[arg(
        long,
        env = "POLL_VS_SSE_LOG_FORMAT",
        value_name = "text|json",
        default_value = "text",
        value_parser = choice::<Format>()
    )]
    log_format: Format,

    /// Whether the accelerator serves plain polls and streams over cleartext HTTP/1.1, instead of actix-web. The
    /// answers are the same.
    #[arg(long, env = "POLL_VS_SSE_HTTP_FAST_PATH", action = clap::ArgAction::Set, value_name = "on|off", default_value = "on", value_parser = parse_on_off)]
    http_fast_path: bool,

    /// How long a connection may stay idle between two requests, such as `75s`.
    #[arg(long, env = "POLL_VS_SSE_KEEP_ALIVE", value_name = "TIME", default_value = "75s", allow_hyphen_values = true, value_parser = keep_alive)]
    keep_alive: Duration,

    /// Let shared caches in front collapse polls and long-polls without `client`. The value is how long they may keep
    /// an answer with messages, in whole seconds such as `10s` [default: off].
    #[arg(long, env = "POLL_VS_SSE_POLL_CACHE", value_name = "TIME", allow_hyphen_values = true, value_parser = poll_cache)]
    poll_cache: Option<Duration>,

    /// After SIGTERM, disconnect readers over this time, such as `20s`, so that they do not all reach the next server
    /// at once. SIGINT or a second signal ends the drain.
    #[arg(long, env = "POLL_VS_SSE_DRAIN", value_name = "TIME", default_value = "0s", allow_hyphen_values = true, value_parser = drain)]
    drain: Duration,

    /// Stop when this process, the parent of this one, has ended. `compare` uses it for its own server.
    #[arg(long, hide = true, value_name = "PID")]
    end_with_parent: Option<u32>,

    #[command(flatten)]
    access: AccessFlags,

    #[command(flatten)]
    limits: LimitFlags,

    #[command(flatten)]
    tls: TlsFlags,

    #[command(flatten)]
    nats: NatsFlags,
}

/// A limit that may be off. It is a separate type because clap gives `Option` another meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct MaxOrOff<T>(Option<T>);

impl ValueEnum for Format {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Text, Self::Json]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(match self {
            Self::Text | Self::Terminal => "text",
            Self::Json => "json",
        }))
    }
}

/// The complete configuration of the server.
#[derive(Debug, Clone)]
pub struct Config {
    pub bind: SocketAddr,
    pub tls: Option<TlsConfig>,
    pub access: AccessConfig,
    pub limits: Limits,
    pub store: StoreChoice,
    /// Whether to wait for a store that cannot be opened.
    pub wait_for_store: bool,
    pub workers: usize,
    pub retention: Retention,
    pub request_log: bool,
    pub log_format: Format,
    /// The server closes a connection whose peer acknowledges nothing for this long.
    pub stall_timeout: Duration,
    /// The server closes a connection that is idle for this long between two requests.
    pub keep_alive: Duration,
    /// Whether the accelerator serves plain polls and streams over cleartext HTTP/1.1.
    pub http_fast_path: bool,
    /// How long shared caches may keep answers to polls; `None` means not at all.
    pub poll_cache: Option<Duration>,
    /// The most memory for recent messages, in bytes, over all rooms.
    pub tail_bytes: usize,
    /// The time over which the server disconnects its readers when it stops.
    pub drain: Duration,
    /// The parent process, if the server must end with it.
    pub end_with_parent: Option<u32>,
}

impl Default for Config {
    /// The default configuration, but on a free port and with the memory store: for tests and benches.
    fn default() -> Self {
        Self {
            bind: SocketAddr::from(([127, 0, 0, 1], 0)),
            tls: None,
            access: AccessConfig::default(),
            limits: Limits::default(),
            store: StoreChoice::Memory,
            wait_for_store: false,
            workers: 1,
            retention: Retention {
                messages: None,
                age: None,
            },
            request_log: false,
            log_format: Format::Text,
            stall_timeout: Duration::from_secs(30),
            keep_alive: poll_vs_sse_model::server_limits::KEEP_ALIVE_TIMEOUT,
            http_fast_path: true,
            poll_cache: None,
            tail_bytes: poll_vs_sse_model::server_limits::TAIL_BYTES,
            drain: Duration::ZERO,
            end_with_parent: None,
        }
    }
}

impl Serve {
    /// The configuration that the flags make. The error says in one line what is wrong.
    pub fn into_config(self) -> Result<Config, String> {
        let processors = || std::thread::available_parallelism().map_or(1, |n| n.get().min(512));
        if !matches!(self.store, StoreFlag::Nats(_))
            && let Some(flag) = self.nats.given()
        {
            return Err(format!("{flag} works only with --store nats://HOST:PORT"));
        }
        let store = match self.store {
            StoreFlag::Memory => StoreChoice::Memory,
            StoreFlag::Sqlite(path) => StoreChoice::Sqlite(path),
            StoreFlag::Nats(servers) => StoreChoice::Nats(Box::new(self.nats.options(servers))),
        };
        let tls = self.tls.into_config()?;
        let listens_on: Vec<IpAddr> = std::iter::once(self.bind)
            .chain(tls.as_ref().map(|tls| tls.bind))
            .map(|addr| addr.ip())
            .collect();
        let access = self.access.into_config()?;
        if self.poll_cache.is_some() && access.jwt.is_some() {
            return Err("--poll-cache cannot be combined with --auth jwt: a cache must not give one token holder's answers to others".to_owned());
        }
        Ok(Config {
            bind: self.bind,
            access,
            limits: self.limits.into_config(&listens_on),
            tls,
            store,
            wait_for_store: self.wait_for_store,
            workers: self.workers.map_or_else(processors, usize::from),
            retention: Retention {
                messages: self.retain_messages.0,
                age: self.retain_age.0,
            },
            request_log: self.request_log,
            log_format: self.log_format,
            drain: self.drain,
            keep_alive: self.keep_alive,
            http_fast_path: self.http_fast_path,
            poll_cache: self.poll_cache,
            end_with_parent: self.end_with_parent,
            ..Config::default()
        })
    }
}

fn workers(text: &str) -> Result<u16, String> {
    number(text, 1..=512)
}

fn messages(text: &str) -> Result<MaxOrOff<u64>, String> {
    bound(text, |text| {
        count(text).ok_or_else(|| "expected a number of at least 1, or `off`".to_owned())
    })
}

fn age(text: &str) -> Result<MaxOrOff<Duration>, String> {
    bound(text, |text| match humantime::parse_duration(text) {
        Ok(age) if !age.is_zero() => Ok(age),
        _ => Err("expected a duration such as `90s`, `36h` or `7d`, or `off`".to_owned()),
    })
}

fn keep_alive(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(plain(text)) {
        Ok(time) if (Duration::from_secs(1)..=Duration::from_secs(3600)).contains(&time) => {
            Ok(time)
        }
        _ => Err("expected a time from `1s` to `1h`, such as `75s`".to_owned()),
    }
}

fn poll_cache(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(plain(text)) {
        // `max-age` has whole seconds.
        Ok(time) if (1..=3600).contains(&time.as_secs()) && time.subsec_nanos() == 0 => Ok(time),
        _ => Err("expected a time from `1s` to `1h` in whole seconds, such as `10s`".to_owned()),
    }
}

fn drain(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(plain(text)) {
        Ok(time) if time <= MAX_DRAIN => Ok(time),
        _ => Err("expected a time of at most an hour, such as `0s` or `20s`".to_owned()),
    }
}

fn bound<T>(
    text: &str,
    value: impl FnOnce(&str) -> Result<T, String>,
) -> Result<MaxOrOff<T>, String> {
    let text = plain(text);
    if text.eq_ignore_ascii_case("off") {
        Ok(MaxOrOff(None))
    } else {
        value(text).map(|value| MaxOrOff(Some(value)))
    }
}

#[cfg(test)]
mod tests;
