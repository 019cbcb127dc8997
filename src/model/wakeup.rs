//! The cost of waking a server that sleeps when it has nothing to do.
//!
//! Waking up costs more the longer the sleep was, because other programs take over the caches and the processor slows
//! down. After a sleep of `wake_s` it costs half of `wake_us`. If events come `n` times a second to a core and one
//! finds it asleep, the core has slept `1 / n` s on average.

use super::{Model, US_PER_S, idle_share};

/// An upper bound for the cost of events so rare that their cost overflows, microseconds.
const CAP_US: f64 = 1e300;

/// The load of the servers that clients are spread over.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Utilization {
    /// The cores of one server.
    pub cores: f64,
    pub filled: Fill,
}

impl Utilization {
    /// One server with `cores` cores and no other work.
    pub fn single_server(cores: f64) -> Self {
        Self {
            cores,
            filled: Fill::By { servers: 1.0 },
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fill {
    /// Loaded only with these clients. Servers may be counted in fractions.
    By { servers: f64 },
    /// Loaded with as many such clients as keep it busy for this share of the time.
    To { busy: f64 },
}

/// The work of a second except waking up, over all servers.
#[derive(Debug, Clone, Copy)]
pub struct Work {
    /// Events that come at random times.
    pub events: f64,
    /// CPU for the clients, microseconds.
    pub clients_us: f64,
    /// CPU that each server spends independent of its clients, microseconds.
    pub each_server_us: f64,
}

impl Model {
    /// CPU for waking up, microseconds for each event.
    pub fn wakeup_cost_us(&self, work: Work, load: Utilization) -> f64 {
        let Work {
            events, clients_us, ..
        } = work;
        if events <= 0.0 {
            return 0.0;
        }
        let each_server = work.each_server_us / (load.cores * US_PER_S);
        match load.filled {
            Fill::By { servers } => {
                let cores = servers * load.cores;
                let asleep_us = self.wake_us * idle_share(self.wake_s, events / cores);
                // busy = (work + events × asleep × (1 - busy)) / time
                let time_us = cores * US_PER_S;
                let work_us = clients_us + each_server * time_us;
                let busy = (work_us + events * asleep_us) / (time_us + events * asleep_us);
                (1.0 - busy).max(0.0) * asleep_us
            }
            Fill::To { busy } => {
                // waking = most / (1 + sleep / (own + waking)): the share of events that find the core busy follows
                // from the cost of each.
                let own_us = (clients_us / events).min(CAP_US);
                let most_us = (1.0 - busy) * self.wake_us;
                let sleep_us = self.wake_s * US_PER_S * (busy - each_server).max(0.0);
                let half = (own_us + sleep_us - most_us) / 2.0;
                let root = half.hypot((most_us * own_us).sqrt());
                // The same root, without subtracting one large number from another.
                if half > 0.0 {
                    most_us * (own_us / (half + root))
                } else {
                    root - half
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn model() -> Model {
        Model {
            wake_us: 90.0,
            wake_s: 0.001,
            ..Model::built_in().clone()
        }
    }

    const CORES: f64 = 2.0;

    fn single_server(events: f64, own_us: f64) -> f64 {
        let work = Work {
            events,
            clients_us: events * own_us,
            each_server_us: 0.0,
        };
        model().wakeup_cost_us(work, Utilization::single_server(1.0))
    }

    proptest! {
        /// Both forms of the load give the same cost at the same utilization.
        #[test]
        fn both_forms_of_load_agree(
            events in 1.0..50_000.0_f64,
            own_us in 1.0..15.0_f64,
            each_server_us in 0.0..1e5_f64,
            servers in 1.0..9.0_f64,
        ) {
            let model = model();
            let work = Work { events, clients_us: events * own_us, each_server_us };
            let by = Fill::By { servers };
            let single_server = model.wakeup_cost_us(work, Utilization { cores: CORES, filled: by });
            let all_us = servers * each_server_us + events * (own_us + single_server);
            let to = Fill::To { busy: all_us / (servers * CORES * US_PER_S) };
            let filled = model.wakeup_cost_us(work, Utilization { cores: CORES, filled: to });
            prop_assert!((single_server - filled).abs() < 1e-6 * model.wake_us, "{single_server} {filled}");
        }
    }

    #[test]
    fn rare_events_have_the_full_cost_and_frequent_ones_almost_none() {
        assert!(single_server(1.0, 10.0) > 89.0);
        assert!(
            (40.0..46.0).contains(&single_server(1000.0, 10.0)),
            "half the cost, on a server that is a tenth busy"
        );
        assert!(single_server(40_000.0, 10.0) < 2.0);
        assert_eq!(single_server(0.0, 10.0), 0.0);
    }

    #[test]
    fn very_rare_events_cost_the_idle_share_of_a_busy_server() {
        for events in [1e-168, 1e-300, f64::MIN_POSITIVE] {
            let work = Work {
                events,
                clients_us: 1000.0,
                each_server_us: 0.0,
            };
            let filled = Fill::To { busy: 0.6 };
            let waking = model().wakeup_cost_us(work, Utilization { cores: 1.0, filled });
            assert!((waking - 36.0).abs() < 1e-6, "{events}");
        }
    }
}
