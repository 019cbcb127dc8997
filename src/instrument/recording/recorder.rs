//! The record of one run: each client has its own [`ClientRecorder`], which adds its counts here when the client
//! ends, also if it is aborted.

use std::{
    collections::HashMap,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use hdrhistogram::Histogram;
use parking_lot::Mutex;

use super::{
    audit::{Arrival, Audit},
    counters::Counters,
    delay_histogram::new_histogram,
    message_tag::MessageTag,
    restart_watch::RestartWatch,
    schedule::{Phase, Schedule},
    send_order::SendOrder,
};
use crate::{
    Protocol,
    http::meter::Meter,
    recording::run_result::{HandshakeStats, SecondStats},
};

/// Clients share this many histograms, so that they rarely wait for each other.
const SHARDS: usize = 16;
/// The answer to a request younger than this may still be in flight.
const TOLERANCE_US: u64 = 1_000_000;

/// The record of one run, which all its clients share.
pub struct RunRecorder {
    pub schedule: Schedule,
    pub tag: MessageTag,
    pub order: SendOrder,
    /// The protocol that clients speak, and the version of TLS, once one is connected.
    pub spoken: OnceLock<(Protocol, Option<&'static str>)>,
    pub restart: RestartWatch,
    requests: AtomicU64,
    shards: Vec<Mutex<Shard>>,
    totals: Mutex<RunTotals>,
}

struct Shard {
    delays: Histogram<u64>,
    seconds: Vec<SecondStats>,
    /// First deliveries of messages that count.
    deliveries: u64,
}

/// The sum over all clients that have ended.
#[derive(Debug, Default)]
pub struct RunTotals {
    pub clients: u64,
    pub counters: Counters,
    /// How many clients lack a message, by its number.
    pub missing: HashMap<u64, u64>,
    /// The totals of each room, if there are several.
    pub rooms: HashMap<u64, RoomTotals>,
}

/// First deliveries in one room of messages that count, and the sum of their delays.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct RoomTotals {
    pub deliveries: u64,
    pub delay_us: u64,
}

impl RunRecorder {
    pub fn new(schedule: Schedule, tag: MessageTag) -> Arc<Self> {
        let shard = || {
            Mutex::new(Shard {
                delays: new_histogram(),
                seconds: Vec::new(),
                deliveries: 0,
            })
        };
        Arc::new(Self {
            order: SendOrder::new(schedule.messages()),
            spoken: OnceLock::new(),
            restart: RestartWatch::default(),
            requests: AtomicU64::new(0),
            schedule,
            tag,
            shards: std::iter::repeat_with(shard).take(SHARDS).collect(),
            totals: Mutex::default(),
        })
    }

    /// The recorder of client number `client`, in the only room.
    pub fn client(self: &Arc<Self>, client: usize) -> ClientRecorder {
        self.client_of(client, 1)
    }

    /// The recorder of client number `client`. Clients and messages are spread over `rooms` in turn.
    pub fn client_of(self: &Arc<Self>, client: usize, rooms: usize) -> ClientRecorder {
        ClientRecorder {
            room: (client % rooms) as u64,
            rooms: rooms as u64,
            in_room: RoomTotals::default(),
            shard: client % SHARDS,
            audit: Audit::default(),
            repetitions: 0,
            asked_us: None,
            last_asked_us: 0,
            is_served_again: false,
            counters: Counters::default(),
            run: self.clone(),
        }
    }

    /// Requests that were sent so far, counted or not.
    pub fn requests(&self) -> u64 {
        self.requests.load(Relaxed)
    }

    /// First deliveries so far of messages that count.
    pub fn deliveries(&self) -> u64 {
        self.shards
            .iter()
            .map(|shard| shard.lock().deliveries)
            .sum()
    }

    /// All delays, and the measured time second by second.
    pub fn series(&self) -> (Histogram<u64>, Vec<SecondStats>) {
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

    /// The sum over the clients that have ended so far.
    pub fn totals(&self) -> RunTotals {
        std::mem::take(&mut self.totals.lock())
    }
}

fn at_second(seconds: &mut Vec<SecondStats>, at: usize) -> &mut SecondStats {
    if seconds.len() <= at {
        seconds.resize(at + 1, SecondStats::default());
    }
    &mut seconds[at]
}

fn add(sum: &mut SecondStats, part: &SecondStats) {
    sum.requests += part.requests;
    sum.deliveries += part.deliveries;
    sum.wire_bytes += part.wire_bytes;
}

/// One client's record. It is closed when it is dropped, so that a client can simply be aborted.
pub struct ClientRecorder {
    /// Its room, and the number of rooms: every `rooms`th message is for this client.
    room: u64,
    rooms: u64,
    in_room: RoomTotals,
    run: Arc<RunRecorder>,
    shard: usize,
    audit: Audit,
    repetitions: u64,
    /// When the open request was sent.
    asked_us: Option<u64>,
    /// When the last request was sent.
    last_asked_us: u64,
    /// Whether it was served after a restart of the server.
    is_served_again: bool,
    counters: Counters,
}

impl ClientRecorder {
    pub fn run(&self) -> &RunRecorder {
        &self.run
    }

    /// Records that a request is sent now.
    pub fn record_request(&mut self) {
        let now = self.run.schedule.now_us();
        self.asked_us = Some(now);
        self.last_asked_us = now;
        self.run.requests.fetch_add(1, Relaxed);
        self.counters.whole.requests += 1;
        match self.run.schedule.phase(now) {
            Phase::Opening => self.counters.opening.requests += 1,
            Phase::Measured(second) => {
                self.counters.requests += 1;
                self.in_second(second, |second| second.requests += 1);
            }
            Phase::WarmUp | Phase::Drain => {}
        }
    }

    /// Records that the answer came, or that the client stopped waiting for it.
    pub fn record_answered(&mut self) {
        self.asked_us = None;
    }

    /// Records that the last request got a valid answer.
    pub fn record_served(&mut self) {
        let restart = &self.run.restart;
        if !self.is_served_again && restart.is_after(self.last_asked_us) {
            self.is_served_again = true;
            restart.record_served(self.run.schedule.now_us());
        }
    }

    /// Records an answer without a message.
    pub fn record_empty(&mut self) {
        if let Phase::Measured(_) = self.phase() {
            self.counters.empty += 1;
        }
    }

    /// Records an error.
    pub fn record_error(&mut self, why: impl FnOnce() -> String) {
        self.record_answered();
        if self.is_restarting() {
            self.counters.disrupted += 1;
            return;
        }
        self.counters.errors += 1;
        self.counters.first_error.get_or_insert_with(why);
    }

    /// Records that the server ended a stream as HTTP provides for it.
    pub fn record_stream_end(&mut self) {
        self.record_answered();
        match self.is_restarting() {
            true => self.counters.disrupted += 1,
            false => self.counters.ended_streams += 1,
        }
    }

    /// Whether a restart has begun, and the new server has not yet served this client.
    fn is_restarting(&self) -> bool {
        let now = self.run.schedule.now_us();
        !self.is_served_again && self.run.restart.has_begun(now)
    }

    /// Records the messages in `content`, which has just been read. Returns whether there were any.
    pub fn take(&mut self, content: &[u8]) -> bool {
        let schedule = &self.run.schedule;
        let now = schedule.now_us();
        let phase = schedule.phase(now);
        let (audit, counters) = (&mut self.audit, &mut self.counters);
        let in_room = &mut self.in_room;
        let (order, shards) = (&self.run.order, &self.run.shards);
        let mut shard = None;
        self.run.tag.each(content, |sequence| {
            if sequence >= schedule.messages() {
                return;
            }
            if sequence % self.rooms != self.room {
                counters.errors += 1;
                let why = || "a message of another room came".to_owned();
                counters.first_error.get_or_insert_with(why);
                return;
            }
            let shard = shard.get_or_insert_with(|| shards[self.shard].lock());
            let counts = schedule.counts(sequence);
            match audit.see(sequence, order) {
                Arrival::InOrder => {}
                Arrival::Late => counters.out_of_order += u64::from(counts),
                Arrival::Again => {
                    self.repetitions += 1;
                    counters.duplicates += u64::from(counts);
                    return;
                }
            }
            if let Phase::Measured(second) = phase {
                at_second(&mut shard.seconds, second).deliveries += 1;
            }
            if counts {
                let delay = now.saturating_sub(schedule.due_us(sequence));
                shard.deliveries += 1;
                shard.delays.saturating_record(delay.max(1));
                in_room.deliveries += 1;
                in_room.delay_us += delay;
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
        let schedule = &self.run.schedule;
        schedule.phase(schedule.now_us())
    }

    fn in_second(&self, second: usize, change: impl FnOnce(&mut SecondStats)) {
        let mut shard = self.run.shards[self.shard].lock();
        change(at_second(&mut shard.seconds, second));
    }
}

impl Meter for ClientRecorder {
    fn ready(&mut self, protocol: Protocol, tls: Option<&'static str>) {
        self.run.spoken.get_or_init(|| (protocol, tls));
    }

    fn connected(&mut self) {
        self.counters.connections += 1;
    }

    fn shook_hands(&mut self, sent: u64, received: u64, is_resumed: bool) {
        self.counters.handshakes.add(HandshakeStats {
            count: 1,
            resumed: u64::from(is_resumed),
            wire_bytes_in: sent,
            wire_bytes_out: received,
        });
    }

    fn sent(&mut self, bytes: usize) {
        let bytes = bytes as u64;
        self.counters.whole.wire_bytes_in += bytes;
        match self.phase() {
            Phase::Opening => self.counters.opening.wire_bytes_in += bytes,
            Phase::Measured(second) => {
                self.counters.wire_bytes_in += bytes;
                self.in_second(second, |second| second.wire_bytes += bytes);
            }
            Phase::WarmUp | Phase::Drain => {}
        }
    }

    fn received(&mut self, bytes: usize) {
        let bytes = bytes as u64;
        self.counters.whole.wire_bytes_out += bytes;
        match self.phase() {
            Phase::Opening => self.counters.opening.wire_bytes_out += bytes,
            Phase::Measured(second) => {
                self.counters.wire_bytes_out += bytes;
                self.in_second(second, |second| second.wire_bytes += bytes);
            }
            Phase::WarmUp | Phase::Drain => {}
        }
    }
}

impl Drop for ClientRecorder {
    fn drop(&mut self) {
        let mut totals = self.run.totals.lock();
        totals.clients += 1;
        totals.counters.add(std::mem::take(&mut self.counters));
        if self.rooms > 1 {
            let room = totals.rooms.entry(self.room).or_default();
            room.deliveries += self.in_room.deliveries;
            room.delay_us += self.in_room.delay_us;
        }
        let schedule = &self.run.schedule;
        let mut lacks = false;
        let (room, rooms) = (self.room, self.rooms);
        let due = |sequence: &u64| sequence % rooms == room;
        for sequence in self.audit.missing(schedule.counted()).filter(due) {
            lacks = true;
            *totals.missing.entry(sequence).or_default() += 1;
        }
        let restart = &self.run.restart;
        // A request to the new server is waiting for a message.
        let is_waiting = self.asked_us.is_some_and(|asked| restart.is_after(asked));
        if restart.began_us().is_some() && !self.is_served_again && !is_waiting {
            totals.counters.unserved += 1;
        }
        // A long-poll may wait if there is no message for it, and any request may wait for a moment.
        let waited_us = self.asked_us.map(|asked| schedule.now_us() - asked);
        let is_unanswered = lacks && waited_us > Some(TOLERANCE_US);
        totals.counters.unanswered += u64::from(is_unanswered);
    }
}

#[cfg(test)]
mod tests;
