//! The flags of `check`.

use std::time::Duration;

use anyhow::{Result, ensure};
use clap::Args;

use poll_vs_sse_instrument::{Profile, check::CheckOptions};

use crate::cli::value;

const PATIENCE_RANGE: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(3600);

/// Check what proxies between a browser and a server do to SSE, and what to change
///
/// Opens streams, a long-poll and polls, and publishes a message a second to its own rooms.
/// Prints one line with a figure for each finding: protocol, head, first event, compression,
/// silence, total age, resume, long-poll, poll cache, CORS. It takes as long as --patience.
///
///     poll-vs-sse check https://chat.example.com
///     poll-vs-sse check http://127.0.0.1:8080 --patience 30s --json
///
/// Exit code: 0 if Server-Sent Events work; 1 if they do not, with what to change; 2 if the
/// server could not be tested, or the result could not be written.
#[derive(Debug, Clone, Args)]
#[command(verbatim_doc_comment)]
pub struct CheckFlags {
    /// The http:// or https:// address that browsers use.
    #[arg(value_name = "URL")]
    url: String,

    /// How to publish to the server, poll it and stream from it: the name of a built-in profile, or a file as
    /// docs/compare.md describes.
    #[arg(
        long,
        env = "POLL_VS_SSE_PROFILE",
        value_name = "NAME|FILE.toml",
        default_value = "poll-vs-sse"
    )]
    profile: String,

    /// How long to test silence and the age of a stream. Limits of proxies are often 60 s or 100 s.
    #[arg(
        long,
        env = "POLL_VS_SSE_PATIENCE",
        value_name = "TIME",
        default_value = "180s",
        value_parser = value::duration,
        allow_hyphen_values = true
    )]
    patience: Duration,

    /// Publish nothing: findings that need a message are then unknown.
    #[arg(
        long,
        env = "POLL_VS_SSE_READ_ONLY",
        value_parser = clap::builder::BoolishValueParser::new()
    )]
    read_only: bool,

    /// Accept any certificate.
    #[arg(
        long,
        env = "POLL_VS_SSE_INSECURE",
        value_parser = clap::builder::BoolishValueParser::new()
    )]
    insecure: bool,

    /// Print JSON, in the format of docs/check.schema.json.
    #[arg(
        long,
        env = "POLL_VS_SSE_CHECK_JSON",
        value_parser = clap::builder::BoolishValueParser::new()
    )]
    pub json: bool,
}

impl CheckFlags {
    /// # Errors
    ///
    /// One sentence in words of the command line.
    pub fn options(&self) -> Result<CheckOptions> {
        ensure!(
            PATIENCE_RANGE.contains(&self.patience),
            "--patience must be from {} to {}",
            humantime::format_duration(*PATIENCE_RANGE.start()),
            humantime::format_duration(*PATIENCE_RANGE.end())
        );
        Ok(CheckOptions {
            url: self.url.clone(),
            profile: Profile::load(&self.profile)?,
            patience: self.patience,
            read_only: self.read_only,
            insecure: self.insecure,
        })
    }
}
