//! Events of clients over time: when they were served, and when the server closed the connections of those that
//! vanished.

use serde::{Deserialize, Serialize};

/// The most steps that are kept: more than a plot can show.
const MAX_STEPS: usize = 100;

/// The number of clients for which an event had happened, over time.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Steps(pub Vec<Step>);

/// The number of `clients` for which it happened since the previous step, the last of them at `after_s`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Step {
    pub after_s: f64,
    pub clients: u64,
}

impl Steps {
    /// Makes steps from the time of the event for each client, in any order.
    pub fn from_times(times_s: impl IntoIterator<Item = f64>) -> Self {
        let steps = times_s.into_iter().map(|after_s| Step {
            after_s,
            clients: 1,
        });
        Self::grouped(steps.collect())
    }

    /// Pools several runs.
    pub fn pool<'a>(all: impl IntoIterator<Item = &'a Self>) -> Self {
        Self::grouped(
            all.into_iter()
                .flat_map(|one| one.0.iter().copied())
                .collect(),
        )
    }

    fn grouped(mut steps: Vec<Step>) -> Self {
        steps.sort_by(|one, other| one.after_s.total_cmp(&other.after_s));
        let width = steps.len().div_ceil(MAX_STEPS).max(1);
        let groups = steps.chunks(width).filter_map(|group| {
            Some(Step {
                after_s: group.last()?.after_s,
                clients: group.iter().map(|step| step.clients).sum(),
            })
        });
        Self(groups.collect())
    }

    /// The number of clients for which it happened.
    pub fn clients(&self) -> u64 {
        self.0.iter().map(|step| step.clients).sum()
    }

    /// The time until it had happened for half of these clients.
    pub fn median_s(&self) -> Option<f64> {
        let half = self.clients().div_ceil(2);
        let mut so_far = 0;
        let step = self.0.iter().find(|step| {
            so_far += step.clients;
            so_far >= half
        });
        step.map(|step| step.after_s)
    }

    /// The time until it had happened for the last client.
    pub fn last_s(&self) -> Option<f64> {
        self.0.last().map(|step| step.after_s)
    }
}

/// Vanished clients: how long the server kept their connections.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VanishStats {
    pub clients: u64,
    /// The time from vanishing until the server closed each client's connection. Fewer than `clients` if it still had
    /// the others at the end.
    pub released: Steps,
    /// How long the clients were watched, in seconds.
    pub watched_s: f64,
    /// Why the server's end of the connections could not be seen; `released` is then meaningless.
    pub unseen: Option<String>,
}

impl VanishStats {
    /// Several runs together; `None` without runs.
    pub fn pool<'a>(all: impl Iterator<Item = &'a Self> + Clone) -> Option<Self> {
        all.clone().next()?;
        Some(Self {
            clients: all.clone().map(|one| one.clients).sum(),
            released: Steps::pool(all.clone().map(|one| &one.released)),
            watched_s: all.clone().map(|one| one.watched_s).fold(0.0, f64::max),
            unseen: all.clone().find_map(|one| one.unseen.clone()),
        })
    }

    /// Connections that the server still had at the end; `None` if that could not be seen.
    pub fn still_held(&self) -> Option<u64> {
        let released = self.released.clients();
        self.unseen
            .is_none()
            .then(|| self.clients.saturating_sub(released))
    }
}

/// A restart of the server while it was measured.
#[derive(Debug, Default, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RestartStats {
    /// Seconds from the beginning of the restart until the new server accepted connections. `None` if it never did.
    pub away_s: Option<f64>,
    /// Requests and connections of clients that failed because of the restart. They do not count as `errors`.
    pub failed: u64,
    /// Messages that the server did not accept because of the restart. No client is expected to get them.
    pub refused: u64,
    /// Deliveries that took more than a second, and with polls more than an interval and a second.
    pub late: u64,
    /// Clients that had no answer from the new server.
    pub unserved: u64,
}

impl RestartStats {
    /// Several runs together; `None` without runs.
    pub fn pool<'a>(all: impl Iterator<Item = &'a Self> + Clone) -> Option<Self> {
        let sum = |of: fn(&Self) -> u64| all.clone().map(of).sum();
        all.clone().next()?;
        let away = all.clone().map(|one| one.away_s);
        Some(Self {
            away_s: away.reduce(|one, other| Some(one?.max(other?))).flatten(),
            failed: sum(|one| one.failed),
            refused: sum(|one| one.refused),
            late: sum(|one| one.late),
            unserved: sum(|one| one.unserved),
        })
    }
}

/// The largest values, read four times a second. `None` if they cannot be read.
#[derive(Debug, Default, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PeakStats {
    /// Processors that the server kept busy.
    pub server_processors: Option<f64>,
    pub server_memory_bytes: Option<u64>,
    pub requests_per_s: f64,
}

impl PeakStats {
    /// The highest values of several runs; `None` without runs.
    pub fn pool<'a>(all: impl Iterator<Item = &'a Self>) -> Option<Self> {
        all.copied().reduce(|one, other| Self {
            server_processors: match (one.server_processors, other.server_processors) {
                (Some(one), Some(other)) => Some(one.max(other)),
                (one, other) => one.or(other),
            },
            server_memory_bytes: one.server_memory_bytes.max(other.server_memory_bytes),
            requests_per_s: one.requests_per_s.max(other.requests_per_s),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_in_order_limited_and_include_all_clients() {
        let steps = Steps::from_times((0..1000).rev().map(f64::from));
        assert_eq!((steps.0.len(), steps.clients()), (100, 1000));
        assert_eq!(
            (steps.median_s(), steps.last_s()),
            (Some(499.0), Some(999.0))
        );
        let pooled = Steps::pool([&steps, &Steps::from_times([2000.0])]);
        assert_eq!((pooled.clients(), pooled.last_s()), (1001, Some(2000.0)));
        assert_eq!(Steps::default().median_s(), None);
    }
}
