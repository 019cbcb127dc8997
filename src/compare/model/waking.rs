//! What it costs that a server sleeps when it has nothing to do.
//!
//! Waking up takes more the longer the sleep was: caches have been given to others and the processor has
//! slowed down. After a sleep of `wake_s` it is half of `wake_us`. What comes `n` times a second to a core
//! comes, where it finds it asleep, after a sleep of `1 / n` on average.

use super::{Model, US_PER_S, rested};

/// What comes more seldom than any number can say costs as if it took so long, microseconds.
const MOST_US: f64 = 1e300;

/// What else a server has to do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Load {
    /// Nothing, on so many cores.
    Alone { cores: f64 },
    /// So much more of the same that it is busy for this share of the time.
    Filled { busy: f64 },
}

impl Model {
    /// CPU for waking up, microseconds for each of so many `events` a second that come at random times. All
    /// other work, theirs and that of the rest, takes `work_us` a second.
    pub fn waking_us(&self, events: f64, work_us: f64, load: Load) -> f64 {
        if events <= 0.0 {
            return 0.0;
        }
        match load {
            Load::Alone { cores } => {
                let asleep_us = self.wake_us * rested(self.wake_s, events / cores);
                // busy = (work + events × asleep × (1 - busy)) / time
                let time_us = cores * US_PER_S;
                let busy = (work_us + events * asleep_us) / (time_us + events * asleep_us);
                (1.0 - busy).max(0.0) * asleep_us
            }
            Load::Filled { busy } => {
                // waking = most / (1 + sleep / (own + waking)): how often they come to a core that is busy
                // with them follows from what each takes.
                let own_us = (work_us / events).min(MOST_US);
                let most_us = (1.0 - busy) * self.wake_us;
                let sleep_us = self.wake_s * US_PER_S * busy;
                let half = (own_us + sleep_us - most_us) / 2.0;
                let root = half.hypot((most_us * own_us).sqrt());
                // The same root, without taking one large number from another.
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
            ..Model::shipped()
        }
    }

    proptest! {
        /// What is said of a server on its own is said of one that is filled just as far.
        #[test]
        fn both_ways_to_ask_agree(events in 1.0..50_000.0_f64, own_us in 1.0..15.0_f64) {
            let model = model();
            let work_us = events * own_us;
            let alone = model.waking_us(events, work_us, Load::Alone { cores: 1.0 });
            let busy = (work_us + events * alone) / US_PER_S;
            let filled = model.waking_us(events, work_us, Load::Filled { busy });
            prop_assert!((alone - filled).abs() < 1e-6 * model.wake_us, "{alone} {filled}");
        }
    }

    #[test]
    fn who_is_seldom_asked_pays_in_full_and_who_is_busy_next_to_nothing() {
        let model = model();
        let alone =
            |events: f64| model.waking_us(events, events * 10.0, Load::Alone { cores: 1.0 });
        assert!(alone(1.0) > 89.0);
        assert!(
            (40.0..46.0).contains(&alone(1000.0)),
            "half, and a tenth busy"
        );
        assert!(alone(40_000.0) < 2.0);
        assert_eq!(alone(0.0), 0.0);
    }

    #[test]
    fn what_next_to_never_comes_pays_what_the_busy_leave_of_it() {
        let filled = |events: f64| model().waking_us(events, 1000.0, Load::Filled { busy: 0.6 });
        for events in [1e-168, 1e-300, f64::MIN_POSITIVE] {
            assert!((filled(events) - 36.0).abs() < 1e-6, "{events}");
        }
    }
}
