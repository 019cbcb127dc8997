//! The cost of waking a server that sleeps when it has nothing to do.
//!
//! Waking up costs more the longer the sleep was, because other programs take over the caches and the processor slows
//! down. After a sleep of `wake_s` it costs half of `wake_us`; after one of `deep_wake_s`, half of `deep_wake_us` in
//! addition. If events come `n` times a second to a core and one finds it asleep, the core has slept `1 / n` s on average.

use super::{Model, US_PER_S, idle_share};

/// Halvings of the range in which the cost of waking up is searched, down to some 10⁻¹² of it.
const HALVINGS: u32 = 40;

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
    /// How many times as much as over HTTP/1.1 without TLS it costs to wake up for one of them.
    pub wake_times: f64,
    /// CPU for the clients, microseconds.
    pub clients_us: f64,
    /// CPU that each server spends independent of its clients, microseconds.
    pub each_server_us: f64,
}

impl Model {
    /// CPU to wake up for an event, microseconds, if a core is asleep and gets `per_s` events a second.
    pub fn asleep_us(&self, per_s: f64) -> f64 {
        self.wake_us * idle_share(self.wake_s, per_s)
            + self.deep_wake_us * idle_share(self.deep_wake_s, per_s)
    }

    /// CPU for waking up, microseconds for each event.
    pub fn wakeup_cost_us(&self, work: Work, load: Utilization) -> f64 {
        let Work {
            events,
            wake_times,
            clients_us,
            ..
        } = work;
        if events <= 0.0 {
            return 0.0;
        }
        let each_server = work.each_server_us / (load.cores * US_PER_S);
        match load.filled {
            Fill::By { servers } => {
                let cores = servers * load.cores;
                let asleep_us = wake_times * self.asleep_us(events / cores);
                // busy = (work + events × asleep × (1 - busy)) / time
                let time_us = cores * US_PER_S;
                let work_us = clients_us + each_server * time_us;
                let busy = (work_us + events * asleep_us) / (time_us + events * asleep_us);
                (1.0 - busy).max(0.0) * asleep_us
            }
            Fill::To { busy } => {
                // The more waking up costs, the fewer events fill a core, and the longer it sleeps before each. This
                // rise is concave, so the costs agree at one point only.
                let own_us = clients_us / events;
                let for_events_us = US_PER_S * (busy - each_server).max(0.0);
                let idle = (1.0 - busy) * wake_times;
                let (mut least, mut most) = (0.0, idle * self.asleep_us(0.0));
                for _ in 0..HALVINGS {
                    let waking_us = f64::midpoint(least, most);
                    let per_s = for_events_us / (own_us + waking_us);
                    match idle * self.asleep_us(per_s) > waking_us {
                        true => least = waking_us,
                        false => most = waking_us,
                    }
                }
                f64::midpoint(least, most)
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
            deep_wake_us: 0.0,
            ..Model::built_in().clone()
        }
    }

    const CORES: f64 = 2.0;

    fn single_server(events: f64, own_us: f64) -> f64 {
        let work = Work {
            events,
            wake_times: 1.0,
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
            let model = Model { deep_wake_us: 200.0, deep_wake_s: 0.05, ..model() };
            let work = Work { events, wake_times: 1.0, clients_us: events * own_us, each_server_us };
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
                wake_times: 1.0,
                clients_us: 1000.0,
                each_server_us: 0.0,
            };
            let filled = Fill::To { busy: 0.6 };
            let waking = model().wakeup_cost_us(work, Utilization { cores: 1.0, filled });
            assert!((waking - 36.0).abs() < 1e-6, "{events}");
        }
    }
}
