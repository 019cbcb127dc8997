//! Flags about the server to measure, and the target they name.

use anyhow::{Result, ensure};
use clap::Args;

use poll_vs_sse_instrument::{OwnServer, Profile, Protocol, RemoteOptions, Target};

/// The value of `--target` for this program's own server.
const SELF: &str = "self";

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Server")]
pub struct ServerFlags {
    /// The server to measure. `self` starts this program's own server for each run, with its messages in memory. A
    /// URL is the http:// or https:// address of a running server.
    #[arg(long, env = "POLL_VS_SSE_TARGET", value_name = "URL|self", default_value = SELF)]
    pub target: String,

    /// How to publish to that server, poll it and stream from it: the name of a built-in profile such as
    /// `poll-vs-sse`, `nchan` or `ntfy`, or a file as docs/compare.md describes [default: poll-vs-sse].
    #[arg(long, env = "POLL_VS_SSE_PROFILE", value_name = "NAME|FILE.toml")]
    pub profile: Option<String>,

    /// The server's process on this machine: its CPU time and memory are read, with those of all processes that it
    /// started. Not needed for `self`.
    #[arg(
        long,
        env = "POLL_VS_SSE_PID",
        value_name = "PID",
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    pub pid: Option<u32>,

    /// The version of HTTP to speak. The default is the same as a browser's: over TLS the server chooses by ALPN, and
    /// without TLS it is HTTP/1.1. `h2` without TLS is HTTP/2 with prior knowledge.
    #[arg(
        long,
        env = "POLL_VS_SSE_PROTOCOL",
        value_name = "http/1.1|h2",
        hide_possible_values = true
    )]
    pub protocol: Option<Protocol>,

    /// The shell command that restarts the server at --target, for `--scenario restart`. The restart is over when the
    /// command has succeeded and the server takes connections. `self` needs no command.
    #[arg(long, env = "POLL_VS_SSE_RESTART_COMMAND", value_name = "COMMAND")]
    pub restart_command: Option<String>,

    /// Speak TLS to `self`, which makes a certificate when it starts.
    #[arg(
        long,
        env = "POLL_VS_SSE_COMPARE_TLS",
        value_parser = clap::builder::BoolishValueParser::new()
    )]
    pub tls: bool,

    /// Accept any certificate of an https:// server.
    #[arg(
        long,
        env = "POLL_VS_SSE_INSECURE",
        value_parser = clap::builder::BoolishValueParser::new()
    )]
    pub insecure: bool,

    /// Consent to load a server that is not on this machine, or any server with more than 10,000 clients, 1,000
    /// messages a second or 10 minutes a run.
    #[arg(
        long,
        env = "POLL_VS_SSE_YES_LOAD_TEST_THIS",
        value_parser = clap::builder::BoolishValueParser::new()
    )]
    pub yes_load_test_this: bool,
}

impl ServerFlags {
    /// Whether the target is this program's own server.
    pub fn is_own(&self) -> bool {
        self.target == SELF
    }

    pub fn target(&self) -> Result<Target> {
        if self.is_own() {
            ensure!(
                self.profile.is_none() && self.pid.is_none(),
                "--profile and --pid are for a server that runs already: add --target URL"
            );
            ensure!(
                self.restart_command.is_none(),
                "--restart-command is for a server that runs already: `self` is restarted without"
            );
            ensure!(
                !self.insecure,
                "--insecure is for a server that runs already: add --target https://…"
            );
            return Ok(Target::Own(OwnServer {
                tls: self.tls,
                protocol: self.protocol,
                ..OwnServer::default()
            }));
        }
        let profile = match &self.profile {
            Some(profile) => Profile::load(profile)?,
            None => Profile::own(),
        };
        ensure!(
            !self.tls,
            "--tls is for `self`: a server that runs already has an https:// address"
        );
        let options = RemoteOptions {
            protocol: self.protocol,
            is_insecure: self.insecure,
        };
        let mut target = Target::remote_over(&self.target, profile, self.pid, options)?;
        if let Target::Remote(remote) = &mut target {
            remote.restart_command.clone_from(&self.restart_command);
        }
        ensure!(
            target.is_local() || self.yes_load_test_this,
            "{} is not on this machine: if you may put it under load, add --yes-load-test-this",
            self.target
        );
        Ok(target)
    }
}
