//! The points measured for a calibration: those that the constants are fitted to, and those that test the
//! model.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Transport, Workload, model::MeasurePurpose};

/// One run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    pub transport: Transport,
    pub clients: u32,
    pub rate: f64,
    pub size: usize,
    pub interval_s: f64,
    pub purpose: MeasurePurpose,
}

/// How long each is measured, seconds.
const MEASURED_S: f64 = 2.0;
/// Long enough for two keep-alives of 15 s, if the only message comes directly after the first.
const IDLE_S: f64 = 31.0;

const POLL: Transport = Transport::Poll;
const LONG_POLL: Transport = Transport::LongPoll;
const STREAM: Transport = Transport::Stream;

/// In the order in which they are measured: transports take turns, and so do light and heavy load.
pub const POINTS: [Point; 29] = [
    // Rare and frequent polls; mostly empty answers; one answer for each message; many messages in an answer; many
    // bytes; clients that get messages rarely, and often.
    fit(POLL, 400, 1.0, 100, 0.5),
    fit(STREAM, 10, 100.0, 100, 1.0),
    fit(LONG_POLL, 100, 20.0, 100, 1.0),
    fit(POLL, 4000, 0.5, 100, 0.25),
    fit(STREAM, 4000, 5.0, 100, 1.0),
    fit(LONG_POLL, 1000, 2.0, 100, 1.0),
    fit(POLL, 300, 10.0, 100, 1.0),
    fit(STREAM, 2000, 1.0, 100, 1.0),
    fit(LONG_POLL, 2000, 2.0, 4000, 1.0),
    fit(POLL, 500, 10.0, 4000, 0.5),
    fit(STREAM, 500, 20.0, 4000, 1.0),
    fit(POLL, 4000, 1.0, 100, 1.0),
    fit(STREAM, 1000, 3.0, 100, 1.0),
    fit(STREAM, 1000, 12.0, 100, 1.0),
    fit(STREAM, 1500, 6.0, 500, 1.0),
    // So few clients that the process itself, and a message that finds it asleep, are most of the cost.
    fit(STREAM, 10, 1.0, 100, 1.0),
    fit(STREAM, 10, 10.0, 100, 1.0),
    fit(POLL, 10, 1.0, 100, 0.5),
    Point {
        purpose: MeasurePurpose::FitConnecting,
        ..fit(POLL, 500, 1.0, 100, 0.5)
    },
    Point {
        purpose: MeasurePurpose::FitIdle,
        ..fit(STREAM, 5000, 1.0 / IDLE_S, 100, 1.0)
    },
    Point {
        purpose: MeasurePurpose::FitIdle,
        ..fit(STREAM, 10, 3.0 / IDLE_S, 100, 1.0)
    },
    check(POLL, 1000, 2.0, 200, 0.5),
    check(STREAM, 500, 10.0, 300, 1.0),
    check(LONG_POLL, 500, 4.0, 300, 1.0),
    check(POLL, 3000, 4.0, 500, 0.5),
    check(STREAM, 2000, 8.0, 1000, 1.0),
    check(LONG_POLL, 2000, 1.0, 100, 1.0),
    check(POLL, 2000, 3.0, 1000, 5.0),
    check(STREAM, 3000, 1.0, 200, 1.0),
];

const fn fit(transport: Transport, clients: u32, rate: f64, size: usize, interval_s: f64) -> Point {
    Point {
        transport,
        clients,
        rate,
        size,
        interval_s,
        purpose: MeasurePurpose::Fit,
    }
}

const fn check(
    transport: Transport,
    clients: u32,
    rate: f64,
    size: usize,
    interval_s: f64,
) -> Point {
    Point {
        purpose: MeasurePurpose::Check,
        ..fit(transport, clients, rate, size, interval_s)
    }
}

impl Point {
    pub fn workload(&self) -> Workload {
        let duration_s = match self.purpose {
            MeasurePurpose::FitIdle => IDLE_S,
            _ => MEASURED_S,
        };
        Workload {
            transports: vec![self.transport],
            clients: self.clients as usize,
            rate: self.rate,
            size: self.size,
            interval: Duration::from_secs_f64(self.interval_s),
            duration: Duration::from_secs_f64(duration_s),
            ..Workload::default()
        }
    }

    pub fn is_fitted(&self) -> bool {
        self.purpose != MeasurePurpose::Check
    }
}
