//! What happened to clients one after the other: when they were served, and when the server let go of those that
//! vanished.

use serde::{Deserialize, Serialize};

/// Most steps that are kept: more than a plot can show.
const MOST_STEPS: usize = 100;

/// For how many clients something had happened, and after how many seconds.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Steps(pub Vec<Step>);

/// The `clients` for whom it happened since the step before, the last of them after so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Step {
    pub after_s: f64,
    pub clients: u64,
}

impl Steps {
    /// Of the times at which it happened to each client, in any order.
    pub fn of(times_s: impl IntoIterator<Item = f64>) -> Self {
        let steps = times_s.into_iter().map(|after_s| Step {
            after_s,
            clients: 1,
        });
        Self::grouped(steps.collect())
    }

    /// Of several runs together.
    pub fn pool<'a>(all: impl IntoIterator<Item = &'a Self>) -> Self {
        Self::grouped(
            all.into_iter()
                .flat_map(|one| one.0.iter().copied())
                .collect(),
        )
    }

    fn grouped(mut steps: Vec<Step>) -> Self {
        steps.sort_by(|one, other| one.after_s.total_cmp(&other.after_s));
        let width = steps.len().div_ceil(MOST_STEPS).max(1);
        let groups = steps.chunks(width).filter_map(|group| {
            Some(Step {
                after_s: group.last()?.after_s,
                clients: group.iter().map(|step| step.clients).sum(),
            })
        });
        Self(groups.collect())
    }

    /// For how many it happened.
    pub fn clients(&self) -> u64 {
        self.0.iter().map(|step| step.clients).sum()
    }

    /// By when it had happened to half of those to whom it did.
    pub fn median_s(&self) -> Option<f64> {
        let half = self.clients().div_ceil(2);
        let mut so_far = 0;
        let step = self.0.iter().find(|step| {
            so_far += step.clients;
            so_far >= half
        });
        step.map(|step| step.after_s)
    }

    /// By when it had happened to the last.
    pub fn last_s(&self) -> Option<f64> {
        self.0.last().map(|step| step.after_s)
    }
}

/// Clients that went without a word: how long the server held on to them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VanishStats {
    pub clients: u64,
    /// When the server closed the connection of each, from when the client went. Fewer than `clients` if it still had
    /// the others in the end.
    pub released: Steps,
    /// How long it was watched, seconds.
    pub watched_s: f64,
    /// Why the server's end of the connections could not be seen; `released` then says nothing.
    pub unseen: Option<String>,
}

impl VanishStats {
    /// Several runs together; `None` of none.
    pub fn pool<'a>(all: impl Iterator<Item = &'a Self> + Clone) -> Option<Self> {
        all.clone().next()?;
        Some(Self {
            clients: all.clone().map(|one| one.clients).sum(),
            released: Steps::pool(all.clone().map(|one| &one.released)),
            watched_s: all.clone().map(|one| one.watched_s).fold(0.0, f64::max),
            unseen: all.clone().find_map(|one| one.unseen.clone()),
        })
    }

    /// Connections that the server still had in the end; `None` if that could not be seen.
    pub fn still_held(&self) -> Option<u64> {
        let released = self.released.clients();
        self.unseen
            .is_none()
            .then(|| self.clients.saturating_sub(released))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_in_order_few_and_of_all_clients() {
        let steps = Steps::of((0..1000).rev().map(f64::from));
        assert_eq!((steps.0.len(), steps.clients()), (100, 1000));
        assert_eq!(
            (steps.median_s(), steps.last_s()),
            (Some(499.0), Some(999.0))
        );
        let pooled = Steps::pool([&steps, &Steps::of([2000.0])]);
        assert_eq!((pooled.clients(), pooled.last_s()), (1001, Some(2000.0)));
        assert_eq!(Steps::default().median_s(), None);
    }
}
