//! What happened in one run: each client keeps [`Books`] of its own, and closes them here when it
//! ends, however it ends.

use std::{collections::HashMap, sync::Arc};

use hdrhistogram::Histogram;
use parking_lot::Mutex;

use super::{
    audit::{Audit, Seen},
    marker::Marker,
    order::Order,
    times::times,
    window::{Phase, Window},
};
use crate::outcome::{Second, Traffic};

/// Clients share this many histograms, so that they seldom wait for one another.
const SHARDS: usize = 16;
/// A request that is younger has an answer on its way.
const A_MOMENT_US: u64 = 1_000_000;

/// See the module.
pub struct Recorder {
    pub window: Window,
    pub marker: Marker,
    pub order: Order,
    shards: Vec<Mutex<Shard>>,
    closed: Mutex<Closed>,
}

struct Shard {
    delays: Histogram<u64>,
    seconds: Vec<Second>,
    /// First deliveries of messages that count.
    deliveries: u64,
}

/// All books that were closed.
#[derive(Debug, Default)]
pub struct Closed {
    pub clients: u64,
    pub tally: Tally,
    /// How many clients lack a message, by its number.
    pub missing: HashMap<u64, u64>,
}

/// Plain counts of one client, or of all.
#[derive(Debug, Default)]
pub struct Tally {
    pub requests: u64,
    pub empty: u64,
    pub duplicates: u64,
    pub out_of_order: u64,
    pub wire_bytes_in: u64,
    pub wire_bytes_out: u64,
    pub connections: u64,
    pub errors: u64,
    pub first_error: Option<String>,
    pub unanswered: u64,
    pub opening: Traffic,
    pub whole: Traffic,
}

impl Recorder {
    pub fn new(window: Window, marker: Marker) -> Arc<Self> {
        let shard = || {
            Mutex::new(Shard {
                delays: times(),
                seconds: Vec::new(),
                deliveries: 0,
            })
        };
        Arc::new(Self {
            order: Order::new(window.messages()),
            window,
            marker,
            shards: std::iter::repeat_with(shard).take(SHARDS).collect(),
            closed: Mutex::default(),
        })
    }

    /// The books of client number `client`.
    pub fn books(self: &Arc<Self>, client: usize) -> Books {
        Books {
            shard: client % SHARDS,
            audit: Audit::default(),
            repetitions: 0,
            asked_us: None,
            tally: Tally::default(),
            recorder: self.clone(),
        }
    }

    /// First deliveries so far of messages that count.
    pub fn deliveries(&self) -> u64 {
        self.shards
            .iter()
            .map(|shard| shard.lock().deliveries)
            .sum()
    }

    /// All delays, and the measured time second by second.
    pub fn series(&self) -> (Histogram<u64>, Vec<Second>) {
        let mut shards = self.shards.iter().map(|shard| shard.lock());
        let Some(first) = shards.next() else {
            unreachable!("there is a constant number of shards");
        };
        let mut delays = first.delays.clone();
        let mut seconds = first.seconds.clone();
        for shard in shards {
            if delays.add(&shard.delays).is_err() {
                unreachable!("all histograms have the same bounds");
            }
            for (at, second) in shard.seconds.iter().enumerate() {
                add(at_second(&mut seconds, at), second);
            }
        }
        (delays, seconds)
    }

    /// What the books said that are closed by now.
    pub fn closed(&self) -> Closed {
        std::mem::take(&mut self.closed.lock())
    }
}

fn at_second(seconds: &mut Vec<Second>, at: usize) -> &mut Second {
    if seconds.len() <= at {
        seconds.resize(at + 1, Second::default());
    }
    &mut seconds[at]
}

fn add(sum: &mut Second, part: &Second) {
    sum.requests += part.requests;
    sum.deliveries += part.deliveries;
    sum.wire_bytes += part.wire_bytes;
}

/// One client's account. Closed when it is dropped, so that a client can simply be aborted.
pub struct Books {
    recorder: Arc<Recorder>,
    shard: usize,
    audit: Audit,
    repetitions: u64,
    /// When the request was sent whose answer is awaited.
    asked_us: Option<u64>,
    tally: Tally,
}

impl Books {
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// A connection was opened.
    pub fn connected(&mut self) {
        self.tally.connections += 1;
    }

    /// A request is sent now.
    pub fn request(&mut self) {
        let now = self.recorder.window.now_us();
        self.asked_us = Some(now);
        self.tally.whole.requests += 1;
        match self.recorder.window.phase(now) {
            Phase::Opening => self.tally.opening.requests += 1,
            Phase::Measured(second) => {
                self.tally.requests += 1;
                self.in_second(second, |second| second.requests += 1);
            }
            Phase::WarmUp | Phase::After => {}
        }
    }

    /// Its answer came, or was given up.
    pub fn answered(&mut self) {
        self.asked_us = None;
    }

    /// An answer without a message came.
    pub fn empty(&mut self) {
        if let Phase::Measured(_) = self.phase() {
            self.tally.empty += 1;
        }
    }

    /// Something went wrong.
    pub fn failed(&mut self, why: impl FnOnce() -> String) {
        self.answered();
        self.tally.errors += 1;
        self.tally.first_error.get_or_insert_with(why);
    }

    /// Bytes were sent.
    pub fn sent(&mut self, bytes: usize) {
        let bytes = bytes as u64;
        self.tally.whole.wire_bytes_in += bytes;
        match self.phase() {
            Phase::Opening => self.tally.opening.wire_bytes_in += bytes,
            Phase::Measured(second) => {
                self.tally.wire_bytes_in += bytes;
                self.in_second(second, |second| second.wire_bytes += bytes);
            }
            Phase::WarmUp | Phase::After => {}
        }
    }

    /// Bytes were received.
    pub fn received(&mut self, bytes: usize) {
        let bytes = bytes as u64;
        self.tally.whole.wire_bytes_out += bytes;
        match self.phase() {
            Phase::Opening => self.tally.opening.wire_bytes_out += bytes,
            Phase::Measured(second) => {
                self.tally.wire_bytes_out += bytes;
                self.in_second(second, |second| second.wire_bytes += bytes);
            }
            Phase::WarmUp | Phase::After => {}
        }
    }

    /// Takes the messages in `content`, which has just been read. Says whether there were any.
    pub fn take(&mut self, content: &[u8]) -> bool {
        let window = &self.recorder.window;
        let now = window.now_us();
        let phase = window.phase(now);
        let (audit, tally) = (&mut self.audit, &mut self.tally);
        let (order, shards) = (&self.recorder.order, &self.recorder.shards);
        let mut shard = None;
        self.recorder.marker.each(content, |sequence| {
            if sequence >= window.messages() {
                return;
            }
            let shard = shard.get_or_insert_with(|| shards[self.shard].lock());
            let counts = window.counts(sequence);
            match audit.see(sequence, order) {
                Seen::InOrder => {}
                Seen::Late => tally.out_of_order += u64::from(counts),
                Seen::Again => {
                    self.repetitions += 1;
                    tally.duplicates += u64::from(counts);
                    return;
                }
            }
            if let Phase::Measured(second) = phase {
                at_second(&mut shard.seconds, second).deliveries += 1;
            }
            if counts {
                let delay = now.saturating_sub(window.due_us(sequence));
                shard.deliveries += 1;
                shard.delays.saturating_record(delay.max(1));
            }
        });
        shard.is_some()
    }

    /// Messages this client has had at least once, counted or not.
    pub fn first_deliveries(&self) -> u64 {
        self.audit.count()
    }

    /// Messages this client has had again, counted or not.
    pub fn repetitions(&self) -> u64 {
        self.repetitions
    }

    fn phase(&self) -> Phase {
        let window = &self.recorder.window;
        window.phase(window.now_us())
    }

    fn in_second(&self, second: usize, change: impl FnOnce(&mut Second)) {
        let mut shard = self.recorder.shards[self.shard].lock();
        change(at_second(&mut shard.seconds, second));
    }
}

impl Drop for Books {
    fn drop(&mut self) {
        let mut closed = self.recorder.closed.lock();
        closed.clients += 1;
        closed.tally.add(std::mem::take(&mut self.tally));
        let window = &self.recorder.window;
        let mut lacks = false;
        for sequence in self.audit.missing(window.counted()) {
            lacks = true;
            *closed.missing.entry(sequence).or_default() += 1;
        }
        // A long-poll waits rightly where there is nothing to be had, and any request for a moment.
        let waited_us = self.asked_us.map(|asked| window.now_us() - asked);
        let is_unanswered = lacks && waited_us > Some(A_MOMENT_US);
        closed.tally.unanswered += u64::from(is_unanswered);
    }
}

impl Tally {
    fn add(&mut self, part: Self) {
        self.requests += part.requests;
        self.empty += part.empty;
        self.duplicates += part.duplicates;
        self.out_of_order += part.out_of_order;
        self.wire_bytes_in += part.wire_bytes_in;
        self.wire_bytes_out += part.wire_bytes_out;
        self.connections += part.connections;
        self.errors += part.errors;
        if self.first_error.is_none() {
            self.first_error = part.first_error;
        }
        self.unanswered += part.unanswered;
        self.opening.add(part.opening);
        self.whole.add(part.whole);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A run of which message 0 is not counted, 1 to 4 are; long over.
    fn recorder() -> Arc<Recorder> {
        let window = Window::new(1000.0, 4, Duration::from_micros(1500));
        window.begin();
        while window.now_us() < window.end_us() {
            std::thread::yield_now();
        }
        let recorder = Recorder::new(window, Marker::new("abcdefgh"));
        for sequence in 0..5 {
            recorder.order.send(sequence);
            recorder.order.acknowledge(sequence);
        }
        recorder
    }

    fn text(recorder: &Recorder, sequences: &[u64]) -> Vec<u8> {
        let texts = sequences.iter().map(|n| recorder.marker.text(*n, 40));
        texts.collect::<Vec<_>>().concat().into_bytes()
    }

    #[test]
    fn losses_duplicates_and_disorder_of_counted_messages_are_found() {
        let recorder = recorder();
        let (mut one, mut two) = (recorder.books(0), recorder.books(1));
        assert!(one.take(&text(&recorder, &[0, 0, 1, 3, 2, 3, 4])));
        assert!(two.take(&text(&recorder, &[2, 4])));
        assert!(!two.take(b"{}"), "no message");
        assert_eq!(recorder.deliveries(), 6);
        drop((one, two));
        let closed = recorder.closed();
        assert_eq!(closed.clients, 2);
        assert_eq!((closed.tally.duplicates, closed.tally.out_of_order), (1, 1));
        assert_eq!(closed.missing, HashMap::from([(1, 1), (3, 1)]));
        let (delays, seconds) = recorder.series();
        assert_eq!(delays.len(), 6);
        assert!(seconds.is_empty(), "nothing came within the measured time");
    }

    #[test]
    fn bytes_are_put_where_they_belong() {
        let window = Window::new(1.0, 100, Duration::ZERO);
        let recorder = Recorder::new(window, Marker::new("abcdefgh"));
        let mut books = recorder.books(0);
        books.request();
        books.sent(10);
        let begin = recorder.window.begin();
        while recorder.window.now_us() <= begin {
            std::thread::yield_now();
        }
        books.request();
        books.sent(7);
        books.received(5);
        drop(books);
        let tally = recorder.closed().tally;
        let traffic = |requests, wire_bytes_in, wire_bytes_out| Traffic {
            requests,
            wire_bytes_in,
            wire_bytes_out,
        };
        assert_eq!(tally.opening, traffic(1, 10, 0));
        assert_eq!(tally.whole, traffic(2, 17, 5));
        assert_eq!(
            (tally.requests, tally.wire_bytes_in, tally.wire_bytes_out),
            (1, 7, 5)
        );
        let (_, seconds) = recorder.series();
        assert_eq!((seconds[0].requests, seconds[0].wire_bytes), (1, 12));
    }
}
