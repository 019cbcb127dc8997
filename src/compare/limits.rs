//! What may be asked: of anyone, of a server nobody was asked about, and of this machine.

use std::{ops::RangeInclusive, time::Duration};

use anyhow::{Result, ensure};

use super::{Workload, marker::Marker};

const CLIENTS: RangeInclusive<usize> = 1..=100_000;
const RATE: RangeInclusive<f64> = 0.01..=10_000.0;
const INTERVAL: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_secs(600);
const DURATION: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(3600);
const WAIT: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(60);
const REPEAT: RangeInclusive<u32> = 1..=100;

/// What needs no `--yes-load-test-this`.
const MODEST_CLIENTS: usize = 10_000;
const MODEST_RATE: f64 = 1000.0;
const MODEST_DURATION: Duration = Duration::from_secs(600);

/// Descriptors beside the clients': the server's pipes, the publisher, files, the runtime.
const OWN_DESCRIPTORS: u64 = 128;
const RUN_ID_CHARACTERS: usize = 10;

impl Workload {
    /// Refuses what cannot be measured at all, in words of the command line.
    pub fn check(&self) -> Result<()> {
        let named = |name, range: &dyn std::fmt::Debug| format!("{name} must be within {range:?}");
        ensure!(!self.transports.is_empty(), "--transports names none");
        let mut others = self.transports.iter().enumerate();
        let twice = others.find(|(at, one)| self.transports[..*at].contains(one));
        ensure!(twice.is_none(), "--transports names one twice");
        ensure!(
            CLIENTS.contains(&self.clients),
            named("--clients", &CLIENTS)
        );
        ensure!(RATE.contains(&self.rate), named("--rate", &RATE));
        ensure!(
            INTERVAL.contains(&self.interval),
            named("--interval", &INTERVAL)
        );
        ensure!(
            DURATION.contains(&self.duration),
            named("--duration", &DURATION)
        );
        ensure!(WAIT.contains(&self.wait), named("--wait", &WAIT));
        ensure!(REPEAT.contains(&self.repeat), named("--repeat", &REPEAT));
        let sizes = Marker::MIN_SIZE..=Marker::MAX_SIZE;
        ensure!(sizes.contains(&self.size), named("--size", &sizes));
        Ok(())
    }

    /// Whether it is more than a server should be asked for by mistake, and what of it.
    pub fn excess(&self) -> Option<String> {
        if self.clients > MODEST_CLIENTS {
            Some(format!("more than {MODEST_CLIENTS} clients"))
        } else if self.rate > MODEST_RATE {
            Some(format!("more than {MODEST_RATE} messages a second"))
        } else if self.duration > MODEST_DURATION {
            Some(format!("more than {MODEST_DURATION:?} a run"))
        } else {
            None
        }
    }
}

/// Makes sure that `clients` connections can be open at a time.
pub fn make_room(clients: usize) -> Result<()> {
    let limit = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(u64::MAX);
    let room = limit.saturating_sub(OWN_DESCRIPTORS);
    ensure!(
        clients as u64 <= room,
        "{clients} clients need more open files than the {limit} this process may have: \
         ask for at most {room}, or raise the limit (ulimit -n)"
    );
    Ok(())
}

/// A name that no other run has: small letters and digits, of the same length every time.
pub fn run_id() -> Result<String> {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut random = [0; RUN_ID_CHARACTERS];
    getrandom::fill(&mut random)?;
    let letters = random.map(|byte| char::from(ALPHABET[usize::from(byte) % ALPHABET.len()]));
    Ok(letters.iter().collect())
}
