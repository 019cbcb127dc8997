//! The flags for limits on one client and on all clients.

use std::{net::IpAddr, num::NonZeroU32, time::Duration};

use clap::{Args, ValueEnum};
use ipnet::IpNet;

use super::value::{choice, number, parse_on_off, plain};
use crate::limits::{
    ConnectionLimits, Limits,
    rates::{Rate, RateLimits},
};

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitFlags {
    /// The most connections at a time. Further ones get 503.
    #[arg(long, env = "POLL_VS_SSE_MAX_CONNECTIONS", value_name = "N", allow_hyphen_values = true, value_parser = connections)]
    max_connections: Option<u32>,

    /// The most connections at a time from one client address. Further ones get 429.
    #[arg(long, env = "POLL_VS_SSE_MAX_CONNECTIONS_PER_CLIENT", value_name = "N", allow_hyphen_values = true, value_parser = connections)]
    max_connections_per_client: Option<u32>,

    /// The most publishes a second of one token subject, or else of one client address, such as `5/s`.
    #[arg(long, env = "POLL_VS_SSE_PUBLISH_RATE", value_name = "N/s", allow_hyphen_values = true, value_parser = rate)]
    publish_rate: Option<Rate>,

    /// The most other requests a second of one token subject, or else of one client address, such as `20/s`.
    #[arg(long, env = "POLL_VS_SSE_READ_RATE", value_name = "N/s", allow_hyphen_values = true, value_parser = rate)]
    read_rate: Option<Rate>,

    /// Addresses of proxies whose `Forwarded` or `X-Forwarded-For` the server believes, such as `10.0.0.0/8`. A proxy
    /// must write one of them and remove the other. Repeatable; separated by commas in the environment.
    #[arg(long = "trusted-proxy", env = "POLL_VS_SSE_TRUSTED_PROXY", value_name = "CIDR", value_delimiter = ',', value_parser = network)]
    trusted_proxies: Vec<IpNet>,

    /// How long a stream may last, 20 % more or less, such as `1h`, so that load spreads over servers again [default:
    /// no limit].
    #[arg(long, env = "POLL_VS_SSE_MAX_CONNECTION_AGE", value_name = "TIME", allow_hyphen_values = true, value_parser = connection_age)]
    max_connection_age: Option<Duration>,

    /// Whether readers may ask for faults (`fault=`). `auto` allows it only if the server listens on loopback
    /// addresses alone.
    #[arg(
        long,
        env = "POLL_VS_SSE_FAULT_INJECTION",
        value_name = "auto|on|off",
        default_value = "auto",
        value_parser = choice::<FaultInjection>()
    )]
    fault_injection: FaultInjection,

    /// Whether everyone may see `/metrics`, the totals of `/ledger`, and, without tokens, `/trace`. With `off`, only
    /// tokens that may read every room see them. With tokens, a trace always needs one that may read the client's rooms.
    #[arg(long, env = "POLL_VS_SSE_PUBLIC_METRICS", action = clap::ArgAction::Set, value_name = "on|off", default_value = "on", value_parser = parse_on_off)]
    public_metrics: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FaultInjection {
    Auto,
    On,
    Off,
}

impl LimitFlags {
    /// The limits of a server that listens on these addresses.
    pub fn into_config(self, listens_on: &[IpAddr]) -> Limits {
        let only_loopback = || listens_on.iter().all(IpAddr::is_loopback);
        Limits {
            connections: ConnectionLimits {
                total: self.max_connections,
                per_client: self.max_connections_per_client,
                refused: None,
            },
            rates: RateLimits {
                publish: self.publish_rate,
                read: self.read_rate,
            },
            trusted_proxies: self.trusted_proxies,
            max_connection_age: self.max_connection_age,
            fault_injection: match self.fault_injection {
                FaultInjection::On => true,
                FaultInjection::Off => false,
                FaultInjection::Auto => only_loopback(),
            },
            public_metrics: self.public_metrics,
        }
    }
}

fn connections(text: &str) -> Result<u32, String> {
    number(text, 1..=u32::MAX)
}

fn rate(text: &str) -> Result<Rate, String> {
    let text = plain(text);
    let expected = || "expected a number of requests a second, such as `5/s`".to_owned();
    let number = text.strip_suffix("/s").ok_or_else(expected)?;
    let is_plain = number.bytes().all(|b| b.is_ascii_digit());
    let number: NonZeroU32 = number.parse().map_err(|_| expected())?;
    if !is_plain {
        return Err(expected());
    }
    Rate::per_second(number).ok_or_else(|| "is more than can be counted".to_owned())
}

fn network(text: &str) -> Result<IpNet, String> {
    let text = plain(text);
    let network = text.parse().or_else(|_| text.parse().map(IpAddr::into));
    network.map_err(|_| "expected addresses in CIDR form, such as 10.0.0.0/8 or ::1".to_owned())
}

fn connection_age(text: &str) -> Result<Duration, String> {
    let bounds = Duration::from_secs(1)..=Duration::from_secs(7 * 24 * 3600);
    match humantime::parse_duration(plain(text)) {
        Ok(age) if bounds.contains(&age) => Ok(age),
        _ => Err("expected a time from `1s` to `7d`, such as `1h`".to_owned()),
    }
}
