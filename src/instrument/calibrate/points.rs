//! The points that are measured. They decide which costs can be separated from each other.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    Protocol, RequestHead, Transport, Workload,
    model::{MeasurePurpose, RequestSize, WireForm},
};

/// One run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    pub transport: Transport,
    pub clients: u32,
    pub rate: f64,
    pub size: usize,
    pub interval_s: f64,
    #[serde(default)]
    pub form: WireForm,
    #[serde(default)]
    pub head: RequestHead,
    #[serde(default)]
    pub cookie_bytes: usize,
    pub purpose: MeasurePurpose,
}

/// How long each is measured, seconds.
const MEASURED_S: f64 = 2.0;
/// Long enough for two keep-alives of 15 s, if the only message comes directly after the first.
const IDLE_S: f64 = 31.0;

/// As long as the addresses of the measured servers.
const HOST: &str = "127.0.0.1:40000";

const POLL: Transport = Transport::Poll;
const LONG_POLL: Transport = Transport::LongPoll;
const STREAM: Transport = Transport::Stream;

const PLAIN: WireForm = WireForm::new(Protocol::Http1, false);
/// The forms besides [`PLAIN`].
const OTHERS: [WireForm; 3] = [
    WireForm::new(Protocol::Http1, true),
    WireForm::new(Protocol::Http2, false),
    WireForm::new(Protocol::Http2, true),
];

/// The points over HTTP/1.1 without TLS, in the order in which they are measured: transports take turns, and so do
/// light and heavy load.
const PLAIN_POINTS: [Point; 33] = [
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
    // So few clients that the process itself, and a message or a poll that finds it asleep, are most of the cost.
    fit(STREAM, 10, 1.0, 100, 1.0),
    fit(STREAM, 10, 10.0, 100, 1.0),
    fit(POLL, 10, 1.0, 100, 0.5),
    fit(POLL, 120, 2.0, 100, 1.0),
    fit(POLL, 10, 0.1, 100, 2.0),
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
    fit(POLL, 800, 1.0, 100, 0.5).with_cookie(4096),
    check(POLL, 600, 2.0, 200, 0.5).with_cookie(1024),
];

/// The points over each other form, with the head that a browser sends.
const FORM_POINTS: [Point; 9] = [
    // Polls that come rarely, often, with a connection each, and with a long cookie; streams with few and many clients.
    fit(POLL, 120, 2.0, 100, 1.0).with_cookie(0),
    fit(STREAM, 1000, 3.0, 100, 1.0).with_cookie(0),
    fit(POLL, 2000, 1.0, 100, 0.5).with_cookie(0),
    fit(STREAM, 100, 10.0, 100, 1.0).with_cookie(0),
    fit(POLL, 800, 1.0, 100, 1.0).with_cookie(0),
    Point {
        purpose: MeasurePurpose::FitConnecting,
        ..fit(POLL, 200, 1.0, 100, 0.5).with_cookie(0)
    },
    fit(POLL, 800, 1.0, 100, 0.5).with_cookie(4096),
    check(POLL, 600, 2.0, 200, 0.5).with_cookie(1024),
    check(STREAM, 500, 5.0, 300, 1.0).with_cookie(0),
];

/// All points. Forms take turns.
pub fn points() -> Vec<Point> {
    let others = FORM_POINTS
        .iter()
        .flat_map(|point| OTHERS.map(|form| Point { form, ..*point }));
    PLAIN_POINTS.into_iter().chain(others).collect()
}

const fn fit(transport: Transport, clients: u32, rate: f64, size: usize, interval_s: f64) -> Point {
    Point {
        transport,
        clients,
        rate,
        size,
        interval_s,
        form: PLAIN,
        head: RequestHead::Bare,
        cookie_bytes: 0,
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
    /// The same with a browser's head and this cookie.
    const fn with_cookie(self, cookie_bytes: usize) -> Self {
        Self {
            head: RequestHead::Chrome,
            cookie_bytes,
            ..self
        }
    }

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
            new_connections: self.purpose == MeasurePurpose::FitConnecting,
            head: self.head,
            cookie_bytes: self.cookie_bytes,
            ..Workload::default()
        }
    }

    pub fn is_fitted(&self) -> bool {
        self.purpose != MeasurePurpose::Check
    }

    /// Whether it is a bare request over HTTP/1.1 without TLS, which most constants are measured with.
    pub fn is_plain(&self) -> bool {
        self.form.is_plain() && self.head == RequestHead::Bare && self.cookie_bytes == 0
    }

    /// The length of its requests. The host's name is the same in every request.
    pub fn request_size(&self) -> RequestSize {
        let Self {
            form,
            head,
            cookie_bytes,
            ..
        } = *self;
        RequestSize::of_polls(form.protocol, head, HOST, cookie_bytes)
    }
}
