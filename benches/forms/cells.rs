//! The cells to measure on each form of HTTP.

use std::time::Duration;

use poll_vs_sse_instrument::{Protocol, Transport, Workload};
use poll_vs_sse_model::RequestHead;

use super::report::forms::{HttpForm, Operation};

/// The heads and cookies to measure besides Chromium's head without a cookie.
const OTHER_HEADS: [(RequestHead, usize); 3] = [
    (RequestHead::Bare, 0),
    (RequestHead::Chrome, 1024),
    (RequestHead::Chrome, 4096),
];

#[derive(Debug)]
pub struct FormCell {
    pub what: Operation,
    pub transport: Transport,
    pub head: RequestHead,
    pub cookie_bytes: usize,
    duration: Duration,
}

/// The cells of a round. Only the first round has other heads and cookies, because their bytes are the same each time.
pub fn combinations(round: u32, quick: bool) -> Vec<FormCell> {
    let duration = Duration::from_secs(if quick { 1 } else { 4 });
    let cell = |what, head, cookie_bytes| FormCell {
        what,
        transport: match what {
            Operation::Poll | Operation::PollOnNewConnection | Operation::RarePoll => {
                Transport::Poll
            }
            Operation::Delivery | Operation::Idle => Transport::Stream,
        },
        head,
        cookie_bytes,
        duration,
    };
    let all = Operation::ALL.into_iter();
    let mut cells: Vec<FormCell> = all.map(|what| cell(what, RequestHead::Chrome, 0)).collect();
    if round == 1 {
        let others = OTHER_HEADS.into_iter();
        cells.extend(others.map(|(head, cookie)| cell(Operation::Poll, head, cookie)));
    }
    cells
}

impl FormCell {
    /// Whether the cell is measured over `form`. With and without the accelerator, opening a cleartext HTTP/1.1
    /// connection is the same code, so it is measured once, like the polls to compare it with.
    pub fn concerns(&self, form: HttpForm) -> bool {
        let is_of_connections = matches!(
            self.what,
            Operation::PollOnNewConnection | Operation::RarePoll
        );
        !is_of_connections || form != HttpForm::OrdinaryWay
    }

    pub fn workload(&self, protocol: Protocol) -> Workload {
        let workload = Workload {
            transports: vec![self.transport],
            duration: self.duration,
            size: 100,
            head: self.head,
            cookie_bytes: self.cookie_bytes,
            protocol: Some(protocol),
            ..Workload::default()
        };
        let seconds = self.duration.as_secs_f64();
        match self.what {
            // One message in the whole run, so that nearly all polls are empty.
            Operation::Poll => Workload {
                clients: 200,
                rate: 1.0 / seconds,
                interval: Duration::from_millis(100),
                ..workload
            },
            Operation::PollOnNewConnection | Operation::RarePoll => Workload {
                clients: 100,
                rate: 1.0 / seconds,
                interval: Duration::from_millis(500),
                new_connections: self.what == Operation::PollOnNewConnection,
                ..workload
            },
            Operation::Delivery => Workload {
                clients: 1000,
                rate: 10.0,
                ..workload
            },
            Operation::Idle => Workload {
                clients: 2000,
                rate: 1.0 / seconds,
                ..workload
            },
        }
    }
}
