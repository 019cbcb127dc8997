//! The flags of `compare`, and what they ask for.

use std::{path::PathBuf, time::Duration};

use anyhow::{Result, bail, ensure};
use clap::Args;

use poll_vs_sse_instrument::{
    LoadScenario, OwnServer, Pacing, Profile, Protocol, RemoteOptions, RequestHead, Target,
    Transport, Workload, output::output_target::OutputTarget,
};

use super::calibrate;

/// The value of `--target` for this program's own server.
const SELF: &str = "self";

/// Run poll, long-poll and stream clients against a server and print what each cost.
///
/// Each transport is measured on its own: clients connect, messages are published at a steady rate
/// whatever becomes of them, and every client keeps account of what it got. In the end there is a
/// table, with what it says in a sentence. A first answer takes about two minutes:
///
///     poll-vs-sse compare
///     poll-vs-sse compare --clients 1000 --rate 0.2 --interval 5s --report report.html
///     poll-vs-sse compare --target http://127.0.0.1:8080 --profile nchan --pid 4711
///
/// Exit code: 0 if every message was published on time and reached every client once and in order;
/// 1 if not; 2 if nothing could be measured or the result could not be written, with one line that says what to
/// change; 130 after Ctrl-C and 143 after SIGTERM, when what there was so far has been printed and
/// written.
#[derive(Debug, Clone, Args)]
#[command(verbatim_doc_comment, allow_negative_numbers = true)]
pub struct CompareFlags {
    #[command(flatten)]
    pub server: ServerFlags,
    #[command(flatten)]
    pub workload: WorkloadFlags,
    #[command(flatten)]
    pub output: OutputFlags,
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Server")]
pub struct ServerFlags {
    /// Server to measure: `self` starts this program's own, with its messages in memory, for each
    /// run; or the http:// or https:// address of one that runs already.
    #[arg(long, env = "POLL_VS_SSE_TARGET", value_name = "URL|self", default_value = SELF)]
    pub target: String,

    /// How that server is published to, polled and streamed: `poll-vs-sse`, `nchan`, `ntfy`, or a file
    /// as docs/compare.md describes [default: poll-vs-sse].
    #[arg(long, env = "POLL_VS_SSE_PROFILE", value_name = "NAME|FILE.toml")]
    pub profile: Option<String>,

    /// Its process on this machine, whose CPU time and memory are read, with all processes it
    /// started. That of `self` is known.
    #[arg(
        long,
        env = "POLL_VS_SSE_PID",
        value_name = "PID",
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    pub pid: Option<u32>,

    /// The version of HTTP to speak. By default what a browser would: over TLS the server chooses by ALPN, and
    /// without TLS it is HTTP/1.1. `h2` without TLS is HTTP/2 with prior knowledge.
    #[arg(
        long,
        env = "POLL_VS_SSE_PROTOCOL",
        value_name = "http/1.1|h2",
        hide_possible_values = true
    )]
    pub protocol: Option<Protocol>,

    /// Speak TLS to `self`, with a certificate it makes at its start.
    #[arg(
        long,
        env = "POLL_VS_SSE_COMPARE_TLS",
        value_parser = clap::builder::BoolishValueParser::new()
    )]
    pub tls: bool,

    /// Take any certificate of an https:// server.
    #[arg(
        long,
        env = "POLL_VS_SSE_INSECURE",
        value_parser = clap::builder::BoolishValueParser::new()
    )]
    pub insecure: bool,

    /// Consent to load a server that is not on this machine, or any with more than 10,000 clients,
    /// 1,000 messages a second or 10 minutes a run.
    #[arg(
        long,
        env = "POLL_VS_SSE_YES_LOAD_TEST_THIS",
        value_parser = clap::builder::BoolishValueParser::new()
    )]
    pub yes_load_test_this: bool,
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Workload")]
pub struct WorkloadFlags {
    /// Which to compare, in this order [default: all that the server has].
    #[arg(
        long,
        env = "POLL_VS_SSE_TRANSPORTS",
        value_name = "LIST",
        value_delimiter = ','
    )]
    pub transports: Option<Vec<Transport>>,

    /// Clients at a time, all in one room; each has a connection of its own.
    #[arg(
        long,
        env = "POLL_VS_SSE_CLIENTS",
        value_name = "N",
        default_value_t = 100
    )]
    pub clients: usize,

    /// Messages published a second, whatever became of the last one.
    #[arg(
        long,
        env = "POLL_VS_SSE_RATE",
        value_name = "R",
        default_value_t = 1.0
    )]
    pub rate: f64,

    /// How often a polling client asks.
    #[arg(
        long,
        env = "POLL_VS_SSE_INTERVAL",
        value_name = "TIME",
        default_value = "2s",
        value_parser = duration
    )]
    pub interval: Duration,

    /// What the interval is counted from: at fixed times, as a page's timer does, or after the last
    /// answer, as a page that waits for it.
    #[arg(
        long,
        env = "POLL_VS_SSE_PACE",
        value_name = "fixed-times|after-answer",
        hide_possible_values = true,
        default_value = "fixed-times"
    )]
    pub pace: Pacing,

    /// How long a long-poll asks to wait for a message.
    #[arg(
        long,
        env = "POLL_VS_SSE_WAIT",
        value_name = "TIME",
        default_value = "25s",
        value_parser = duration
    )]
    pub wait: Duration,

    /// How long each run is measured, after a warm-up that does not count; rounded up to a whole
    /// number of messages.
    #[arg(
        long,
        env = "POLL_VS_SSE_DURATION",
        value_name = "TIME",
        default_value = "30s",
        value_parser = duration
    )]
    pub duration: Duration,

    /// Text of a message.
    #[arg(
        long,
        env = "POLL_VS_SSE_SIZE",
        value_name = "BYTES",
        default_value_t = 100
    )]
    pub size: usize,

    /// Whose request heads the clients send: Chromium's, Firefox's or curl's, recorded header by header, or
    /// none but `Host`.
    #[arg(
        long,
        env = "POLL_VS_SSE_HEAD",
        value_name = "bare|curl|chrome|firefox",
        hide_possible_values = true,
        default_value = "chrome"
    )]
    pub head: RequestHead,

    /// Size of a `Cookie` header sent with every request; 0 for none.
    #[arg(
        long,
        env = "POLL_VS_SSE_COOKIE",
        value_name = "BYTES",
        default_value_t = 0
    )]
    pub cookie: usize,

    /// Rooms that clients and messages are spread over, in turn.
    #[arg(long, env = "POLL_VS_SSE_ROOMS", value_name = "K", default_value_t = 1)]
    pub rooms: usize,

    /// Further clients that send their first request and stop reading: what they cost the others, and the server's
    /// memory.
    #[arg(
        long,
        env = "POLL_VS_SSE_STALLED",
        value_name = "N",
        default_value_t = 0
    )]
    pub stalled: usize,

    /// Further clients that go without a word once they have their first answer: they no longer acknowledge what
    /// they are sent, as after a cable was pulled. The table says how long the server held on to them.
    #[arg(
        long,
        env = "POLL_VS_SSE_VANISH",
        value_name = "N",
        default_value_t = 0
    )]
    pub vanish: usize,

    /// How clients come: a few at a time, or all at once.
    #[arg(
        long,
        env = "POLL_VS_SSE_SCENARIO",
        value_name = "steady|herd",
        hide_possible_values = true,
        default_value = "steady"
    )]
    pub scenario: LoadScenario,

    /// Open a connection for each poll, as clients do that close theirs.
    #[arg(
        long,
        env = "POLL_VS_SSE_NEW_CONNECTIONS",
        value_parser = clap::builder::BoolishValueParser::new()
    )]
    pub new_connections: bool,

    /// Runs of each transport, which take turns; the table then shows the spread.
    #[arg(
        long,
        env = "POLL_VS_SSE_REPEAT",
        value_name = "K",
        default_value_t = 1
    )]
    pub repeat: u32,
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputFlags {
    /// Measure the constants of the cost model on this machine instead, which takes about a minute and a
    /// half, and write them to a file for `plan --model FILE`. What is measured is given; --repeat
    /// measures each point that many times, and --json writes every run.
    #[arg(
        long,
        env = "POLL_VS_SSE_CALIBRATE",
        value_name = "FILE",
        conflicts_with_all = [
            "transports", "clients", "rate", "interval", "pace", "wait", "duration", "size", "head", "cookie",
            "new_connections", "protocol", "tls", "rooms", "stalled", "vanish", "scenario"
        ]
    )]
    pub calibrate: Option<PathBuf>,

    /// Write all figures as JSON, in the form of docs/compare.schema.json; `-` is standard output,
    /// and the table then goes to standard error.
    #[arg(long, env = "POLL_VS_SSE_JSON", value_name = "FILE")]
    pub json: Option<PathBuf>,

    /// Write a page with the figures and their plots. It is one file and needs no network.
    #[arg(long, env = "POLL_VS_SSE_REPORT", value_name = "FILE.html")]
    pub report: Option<PathBuf>,
}

/// What the flags ask for, checked once.
#[derive(Debug)]
pub struct CompareOptions {
    pub target: Target,
    pub workload: Workload,
    /// To calibrate the cost model is another question: the workload is then of no interest.
    pub calibration: Option<calibrate::CalibrateOptions>,
    pub json: Option<OutputTarget>,
    pub report: Option<OutputTarget>,
}

impl CompareOptions {
    /// Whether standard output is taken, so that nothing else may be printed there.
    pub fn is_standard_output_taken(&self) -> bool {
        let mut destinations = self.json.iter().chain(&self.report);
        destinations.any(OutputTarget::is_standard_output)
    }
}

impl CompareFlags {
    /// # Errors
    ///
    /// One sentence in words of the command line.
    pub fn options(&self) -> Result<CompareOptions> {
        let Self { server, output, .. } = self;
        let target = server.target()?;
        let workload = Workload {
            protocol: server.protocol,
            ..self.workload.of(&target.profile())?
        };
        if let Some(exceeds_safe_limits) = workload
            .exceeds_safe_limits()
            .filter(|_| !server.yes_load_test_this)
        {
            bail!("{exceeds_safe_limits} needs --yes-load-test-this");
        }
        let options = CompareOptions {
            calibration: self.calibration()?,
            json: find(&output.json, "--json")?,
            report: find(&output.report, "--report")?,
            target,
            workload,
        };
        let named = [
            ("--json", options.json.as_ref()),
            ("--report", options.report.as_ref()),
            (
                "--calibrate",
                options.calibration.as_ref().map(|it| &it.model),
            ),
        ];
        for (at, (flag, file)) in named.iter().enumerate() {
            let same = named[..at].iter().find(|(_, other)| other == file);
            if let (Some((other, _)), Some(_)) = (same, file) {
                bail!("{other} and {flag} name the same file");
            }
        }
        Ok(options)
    }

    fn calibration(&self) -> Result<Option<calibrate::CalibrateOptions>> {
        let Self { server, output, .. } = self;
        let Some(model) = find(&output.calibrate, "--calibrate")? else {
            return Ok(None);
        };
        ensure!(
            server.target == SELF,
            "--calibrate measures this program's own server: leave --target out"
        );
        ensure!(
            output.report.is_none(),
            "--report is for a comparison: --calibrate has none"
        );
        Ok(Some(calibrate::CalibrateOptions {
            server: OwnServer::default(),
            rounds: self.workload.repeat,
            model,
            json: find(&output.json, "--json")?,
        }))
    }
}

impl ServerFlags {
    fn target(&self) -> Result<Target> {
        if self.target == SELF {
            ensure!(
                self.profile.is_none() && self.pid.is_none(),
                "--profile and --pid are for a server that runs already: add --target URL"
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
        let target = Target::remote_over(&self.target, profile, self.pid, options)?;
        ensure!(
            target.is_local() || self.yes_load_test_this,
            "{} is not on this machine: if you may put it under load, add --yes-load-test-this",
            self.target
        );
        Ok(target)
    }
}

impl WorkloadFlags {
    /// Checked, and all of it within what `profile` offers.
    fn of(&self, profile: &Profile) -> Result<Workload> {
        let offered = || Transport::ALL.into_iter().filter(|one| profile.has(*one));
        ensure!(
            self.transports.is_some() || offered().next().is_some(),
            "profile {} names no transport: give it a [poll], [long-poll] or [stream]",
            profile.name
        );
        let workload = Workload {
            transports: match &self.transports {
                Some(named) => named.clone(),
                None => offered().collect(),
            },
            repeat: self.repeat,
            clients: self.clients,
            rate: self.rate,
            interval: self.interval,
            pace: self.pace,
            wait: self.wait,
            duration: self.duration,
            size: self.size,
            head: self.head,
            cookie_bytes: self.cookie,
            protocol: None,
            rooms: self.rooms,
            stalled: self.stalled,
            vanish: self.vanish,
            scenario: self.scenario,
            new_connections: self.new_connections,
        };
        workload.check()?;
        profile.check_has(&workload.transports)?;
        Ok(workload)
    }
}

/// The file that `flag` names, if given.
fn find(path: &Option<PathBuf>, flag: &str) -> Result<Option<OutputTarget>> {
    path.as_deref()
        .map(|path| OutputTarget::find(path, flag))
        .transpose()
}

fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map_err(|_| "expected a duration such as `250ms`, `2s` or `1m 30s`".to_owned())
}
