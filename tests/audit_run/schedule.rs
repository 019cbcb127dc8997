//! The faults of a run and their times, which follow from the seed alone.

use std::{fmt, time::Duration};

use crate::rng::Rng;

/// A fault, and the time from the beginning at which it is injected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduledFault {
    pub at: Duration,
    pub kind: FaultKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// `kill -9`, and a restart after some time.
    KillServer(usize, Duration),
    /// SIGTERM, and a restart some time after the end.
    TerminateServer(usize, Duration),
    /// SIGSTOP, and SIGCONT after some time.
    PauseServer(usize, Duration),
    /// All connections to the server are cut.
    CutLink(usize),
    /// All connections are cut, and new ones are refused for some time.
    LoseLink(usize, Duration),
    /// No bytes arrive for some time.
    SilenceLink(usize, Duration),
    KillStore(usize, Duration),
    PauseStore(usize, Duration),
    /// `kill -9` of every node of the store at once.
    KillAllStores(Duration),
}

impl FaultKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::KillServer(..) => "kill -9 of a server",
            Self::TerminateServer(..) => "SIGTERM to a server",
            Self::PauseServer(..) => "SIGSTOP, SIGCONT of a server",
            Self::CutLink(_) => "all connections to a server cut",
            Self::LoseLink(..) => "no way to a server for a while",
            Self::SilenceLink(..) => "a silent network for a while",
            Self::KillStore(..) => "kill -9 of a NATS node",
            Self::PauseStore(..) => "SIGSTOP, SIGCONT of a NATS node",
            Self::KillAllStores(_) => "kill -9 of all NATS nodes at once",
        }
    }
}

impl fmt::Display for ScheduledFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at.as_secs_f64();
        let name = self.kind.name();
        match self.kind {
            FaultKind::KillServer(n, time)
            | FaultKind::TerminateServer(n, time)
            | FaultKind::PauseServer(n, time)
            | FaultKind::LoseLink(n, time)
            | FaultKind::SilenceLink(n, time)
            | FaultKind::KillStore(n, time)
            | FaultKind::PauseStore(n, time) => {
                write!(f, "{at:7.2} s  {name}: {n}, for {} ms", time.as_millis())
            }
            FaultKind::CutLink(n) => write!(f, "{at:7.2} s  {name}: {n}"),
            FaultKind::KillAllStores(time) => {
                write!(f, "{at:7.2} s  {name}, for {} ms", time.as_millis())
            }
        }
    }
}

/// The faults of a run of `length` with this many servers and nodes of the store. Every kind occurs once before any
/// occurs again.
pub fn schedule(
    seed: u64,
    length: Duration,
    (servers, stores): (usize, usize),
    whole_cluster: bool,
) -> Vec<ScheduledFault> {
    let mut rng = Rng::from_seed(seed, "schedule", 0);
    let mut faults = Vec::new();
    let mut at = Duration::from_secs(1);
    // The last faults must be over before the end.
    let end = length.saturating_sub(Duration::from_secs(2));
    let mut deck: Vec<usize> = Vec::new();
    let cards = match (stores, whole_cluster) {
        (0, _) => 6,
        (_, false) => 8,
        (_, true) => 9,
    };
    while at < end {
        if deck.is_empty() {
            deck = (0..cards).collect();
        }
        let card = deck.swap_remove(rng.below(deck.len()));
        let (server, store) = (rng.below(servers), rng.below(stores));
        let time = rng.ms(200..2000);
        let kind = match card {
            0 => FaultKind::KillServer(server, time),
            1 => FaultKind::TerminateServer(server, time),
            2 => FaultKind::PauseServer(server, time),
            3 => FaultKind::CutLink(server),
            4 => FaultKind::LoseLink(server, time),
            5 => FaultKind::SilenceLink(server, time),
            6 => FaultKind::KillStore(store, time),
            7 => FaultKind::PauseStore(store, time),
            _ => FaultKind::KillAllStores(time),
        };
        faults.push(ScheduledFault { at, kind });
        // With a single server, more time between faults is needed for publishing.
        at += rng.ms(400..2200) * if servers == 1 { 2 } else { 1 };
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_schedule() {
        let minute = Duration::from_secs(60);
        assert_eq!(
            schedule(7, minute, (3, 3), true),
            schedule(7, minute, (3, 3), true)
        );
        assert_ne!(
            schedule(7, minute, (3, 3), true),
            schedule(8, minute, (3, 3), true)
        );
    }

    #[test]
    fn every_kind_of_fault_occurs() {
        for (stores, whole_cluster, kinds) in [(0, false, 6), (3, false, 8), (3, true, 9)] {
            let faults = schedule(1, Duration::from_secs(60), (2, stores), whole_cluster);
            let mut names: Vec<_> = faults.iter().map(|fault| fault.kind.name()).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), kinds);
        }
    }
}
