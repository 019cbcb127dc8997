//! Flags about the clients and messages, and the workload they ask for.

use std::time::Duration;

use anyhow::{Result, ensure};
use clap::Args;

use poll_vs_sse_instrument::{LoadScenario, Pacing, Profile, RequestHead, Transport, Workload};

use crate::cli::value;

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
        default_value = "100",
        value_parser = value::count
    )]
    pub clients: usize,

    /// Messages published a second, whatever became of the last one.
    #[arg(
        long,
        env = "POLL_VS_SSE_RATE",
        value_name = "R",
        default_value = "1",
        value_parser = value::rate
    )]
    pub rate: f64,

    /// How often a polling client asks.
    #[arg(
        long,
        env = "POLL_VS_SSE_INTERVAL",
        value_name = "TIME",
        default_value = "2s",
        value_parser = value::duration
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
        value_parser = value::duration
    )]
    pub wait: Duration,

    /// How long each run is measured, after a warm-up that does not count; rounded up to a whole
    /// number of messages.
    #[arg(
        long,
        env = "POLL_VS_SSE_DURATION",
        value_name = "TIME",
        default_value = "30s",
        value_parser = value::duration
    )]
    pub duration: Duration,

    /// Text of a message.
    #[arg(
        long,
        env = "POLL_VS_SSE_SIZE",
        value_name = "BYTES",
        default_value = "100",
        value_parser = value::whole_size
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
        default_value = "0",
        value_parser = value::whole_size
    )]
    pub cookie: usize,

    /// Rooms that clients and messages are spread over, in turn.
    #[arg(long, env = "POLL_VS_SSE_ROOMS", value_name = "K", default_value = "1",
        value_parser = value::count)]
    pub rooms: usize,

    /// Further clients that send their first request and stop reading: what they cost the others, and the server's
    /// memory.
    #[arg(
        long,
        env = "POLL_VS_SSE_STALLED",
        value_name = "N",
        default_value = "0",
        value_parser = value::count
    )]
    pub stalled: usize,

    /// Further clients that go without a word once they have their first answer: they no longer acknowledge what
    /// they are sent, as after a cable was pulled. The table says how long the server held on to them.
    #[arg(
        long,
        env = "POLL_VS_SSE_VANISH",
        value_name = "N",
        default_value = "0",
        value_parser = value::count
    )]
    pub vanish: usize,

    /// What happens: clients come a few at a time; or all at once; or the server is restarted after a third of the
    /// measured time.
    #[arg(
        long,
        env = "POLL_VS_SSE_SCENARIO",
        value_name = "steady|restart|herd",
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

impl WorkloadFlags {
    /// Checked, and all of it within what `profile` offers.
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
