//! The limits of a workload: what can be measured, what needs consent, and what this machine allows.

use std::{ops::RangeInclusive, time::Duration};

use anyhow::{Result, ensure};

use crate::{Transport, Workload, recording::message_tag::MessageTag};
use poll_vs_sse_model::format::with_thousands;

const CLIENTS: RangeInclusive<usize> = 1..=100_000;
const RATE: RangeInclusive<f64> = 0.01..=10_000.0;
const INTERVAL: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_secs(600);
const DURATION: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(3600);
const WAIT: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(60);
const COOKIE: RangeInclusive<usize> = 0..=32_000;
const ROOMS: RangeInclusive<usize> = 1..=10_000;
const STALLED: RangeInclusive<usize> = 0..=10_000;
const VANISHING: RangeInclusive<usize> = 0..=10_000;
const REPEAT: RangeInclusive<u32> = 1..=100;

/// The load that needs no `--yes-load-test-this`.
const SAFE_CLIENTS: usize = 10_000;
const SAFE_RATE: f64 = 1000.0;
const SAFE_DURATION: Duration = Duration::from_secs(600);

/// Descriptors in addition to the clients', here and in our own server: pipes, files, the runtime, the publisher's
/// connections, and the server's reserve.
const RESERVED_FDS: u64 = 256;
const RUN_ID_CHARACTERS: usize = 10;

impl Workload {
    /// Refuses a workload that cannot be measured. The error names flags.
    pub fn check(&self) -> Result<()> {
        ensure!(!self.transports.is_empty(), "--transports names none");
        let mut others = self.transports.iter().enumerate();
        let twice = others.find(|(at, one)| self.transports[..*at].contains(one));
        ensure!(twice.is_none(), "--transports names one twice");
        let count = |n: &usize| with_thousands(*n as u64);
        let rounds = |n: &u32| with_thousands(u64::from(*n));
        let time = |time: &Duration| humantime::format_duration(*time).to_string();
        check_range("--clients", &self.clients, &CLIENTS, count)?;
        check_range("--rate", &self.rate, &RATE, f64::to_string)?;
        check_range("--interval", &self.interval, &INTERVAL, time)?;
        check_range("--duration", &self.duration, &DURATION, time)?;
        check_range("--wait", &self.wait, &WAIT, time)?;
        check_range("--cookie", &self.cookie_bytes, &COOKIE, count)?;
        check_range("--rooms", &self.rooms, &ROOMS, count)?;
        ensure!(
            self.rooms <= self.clients,
            "--rooms must not be more than --clients: the messages of a room without a client would have no receiver"
        );
        ensure!(
            !self.new_connections || self.transports.contains(&Transport::Poll),
            "--new-connections is for polls: add poll to --transports, or leave it out"
        );
        check_range("--stalled", &self.stalled, &STALLED, count)?;
        check_range("--vanish", &self.vanish, &VANISHING, count)?;
        check_range("--repeat", &self.repeat, &REPEAT, rounds)?;
        check_range(
            "--size",
            &self.size,
            &(MessageTag::MIN_SIZE..=MessageTag::MAX_SIZE),
            count,
        )?;
        Ok(())
    }

    /// All clients, including those that stop reading or vanish.
    pub fn all_clients(&self) -> usize {
        self.clients + self.stalled + self.vanish
    }

    /// The part of the load that needs consent, if any.
    pub fn exceeds_safe_limits(&self) -> Option<String> {
        if self.all_clients() > SAFE_CLIENTS {
            let most = with_thousands(SAFE_CLIENTS as u64);
            Some(format!(
                "more than {most} --clients, --stalled and --vanish in all"
            ))
        } else if self.rate > SAFE_RATE {
            Some(format!("a --rate above {SAFE_RATE}"))
        } else if self.duration > SAFE_DURATION {
            let most = humantime::format_duration(SAFE_DURATION);
            Some(format!("a --duration above {most}"))
        } else {
            None
        }
    }
}

fn check_range<T: PartialOrd>(
    flag: &str,
    value: &T,
    range: &RangeInclusive<T>,
    text: impl Fn(&T) -> String,
) -> Result<()> {
    ensure!(
        range.contains(value),
        "{flag} must be from {} to {}",
        text(range.start()),
        text(range.end())
    );
    Ok(())
}

/// Makes sure that `clients` connections can be open at a time.
pub fn raise_fd_limit(clients: usize) -> Result<()> {
    let limit = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(u64::MAX);
    let room = limit.saturating_sub(RESERVED_FDS);
    ensure!(
        room > 0,
        "the {} descriptors a process may have are too few for any client: raise the limit \
         (ulimit -Hn) above {RESERVED_FDS}",
        with_thousands(limit)
    );
    ensure!(
        clients as u64 <= room,
        "{} clients need more descriptors than the {} a process may have: ask for at most {} with --clients, \
         --stalled and --vanish in all, or raise the limit (ulimit -Hn)",
        with_thousands(clients as u64),
        with_thousands(limit),
        with_thousands(room)
    );
    Ok(())
}

/// A name that no other run has: lower-case letters and digits, always of the same length.
pub fn run_id() -> Result<String> {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut random = [0; RUN_ID_CHARACTERS];
    getrandom::fill(&mut random)?;
    let letters = random.map(|byte| char::from(ALPHABET[usize::from(byte) % ALPHABET.len()]));
    Ok(letters.iter().collect())
}
