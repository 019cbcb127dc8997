//! Flags about the clients and messages, and the workload that follows from them.

use std::time::Duration;

use anyhow::{Result, ensure};
use clap::Args;

use poll_vs_sse_instrument::{LoadScenario, Pacing, Profile, RequestHead, Transport, Workload};

use crate::cli::value;

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Workload")]
pub struct WorkloadFlags {
    /// The transports to compare, in this order [default: all transports of the profile].
    #[arg(
        long,
        env = "POLL_VS_SSE_TRANSPORTS",
        value_name = "LIST",
        value_delimiter = ','
    )]
    pub transports: Option<Vec<Transport>>,

    /// The number of clients; each has its own connection.
    #[arg(
        long,
        env = "POLL_VS_SSE_CLIENTS",
        value_name = "N",
        default_value = "100",
        value_parser = value::count,
        allow_hyphen_values = true
    )]
    pub clients: usize,

    /// Messages published a second. Each is sent when it is due, even if earlier ones are not yet acknowledged.
    #[arg(
        long,
        env = "POLL_VS_SSE_RATE",
        value_name = "R",
        default_value = "1",
        value_parser = value::rate,
        allow_hyphen_values = true
    )]
    pub rate: f64,

    /// The time between two polls of a client.
    #[arg(
        long,
        env = "POLL_VS_SSE_INTERVAL",
        value_name = "TIME",
        default_value = "2s",
        value_parser = value::duration,
        allow_hyphen_values = true
    )]
    pub interval: Duration,

    /// When a client polls: at fixed times, like a page's timer, or one interval after the last answer, like a page
    /// that waits for it.
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
        value_parser = value::duration,
        allow_hyphen_values = true
    )]
    pub wait: Duration,

    /// The measured time of each run, rounded up to a whole number of messages. A warm-up before it does not count.
    #[arg(
        long,
        env = "POLL_VS_SSE_DURATION",
        value_name = "TIME",
        default_value = "30s",
        value_parser = value::duration,
        allow_hyphen_values = true
    )]
    pub duration: Duration,

    /// The length of a message's text.
    #[arg(
        long,
        env = "POLL_VS_SSE_SIZE",
        value_name = "BYTES",
        default_value = "100",
        value_parser = value::whole_size,
        allow_hyphen_values = true
    )]
    pub size: usize,

    /// The program whose request heads the clients send: Chromium, Firefox or curl, as recorded header by header.
    /// `bare` sends only `Host`.
    #[arg(
        long,
        env = "POLL_VS_SSE_HEAD",
        value_name = "bare|curl|chrome|firefox",
        hide_possible_values = true,
        default_value = "chrome"
    )]
    pub head: RequestHead,

    /// The size of a `Cookie` header sent with every request; 0 for none.
    #[arg(
        long,
        env = "POLL_VS_SSE_COOKIE",
        value_name = "BYTES",
        default_value = "0",
        value_parser = value::whole_size,
        allow_hyphen_values = true
    )]
    pub cookie: usize,

    /// The number of rooms, over which clients and messages are spread in turn.
    #[arg(long, env = "POLL_VS_SSE_ROOMS", value_name = "K", default_value = "1",
        value_parser = value::count, allow_hyphen_values = true)]
    pub rooms: usize,

    /// The number of additional clients that send their first request and then stop reading. The report shows what
    /// they cost the other clients and the server's memory.
    #[arg(
        long,
        env = "POLL_VS_SSE_STALLED",
        value_name = "N",
        default_value = "0",
        value_parser = value::count,
        allow_hyphen_values = true
    )]
    pub stalled: usize,

    /// The number of additional clients that vanish once they have their first answer: they no longer acknowledge
    /// anything, as after their cable was pulled. The table says how long the server kept their connections.
    #[arg(
        long,
        env = "POLL_VS_SSE_VANISH",
        value_name = "N",
        default_value = "0",
        value_parser = value::count,
        allow_hyphen_values = true
    )]
    pub vanish: usize,

    /// What happens during a run. `steady`: clients connect a few at a time. `restart`: the same, and the server
    /// restarts after a third of the measured time. `herd`: all clients connect at once.
    #[arg(
        long,
        env = "POLL_VS_SSE_SCENARIO",
        value_name = "steady|restart|herd",
        hide_possible_values = true,
        default_value = "steady"
    )]
    pub scenario: LoadScenario,

    /// Open a new connection for each poll, like clients without keep-alive.
    #[arg(
        long,
        env = "POLL_VS_SSE_NEW_CONNECTIONS",
        value_parser = clap::builder::BoolishValueParser::new()
    )]
    pub new_connections: bool,

    /// The number of runs of each transport. Transports take turns, and the table then shows the spread.
    #[arg(
        long,
        env = "POLL_VS_SSE_REPEAT",
        value_name = "K",
        default_value_t = 1
    )]
    pub repeat: u32,
}

impl WorkloadFlags {
    /// The checked workload, which uses only what `profile` offers.
    pub fn workload(&self, profile: &Profile) -> Result<Workload> {
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
