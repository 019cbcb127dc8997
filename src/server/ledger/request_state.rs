//! The ledger's data about one request while it is open.

use std::{
    cell::{Cell, OnceCell, RefCell},
    sync::Weak,
    time::Instant,
};

use super::{
    Ledger,
    access_log::STATUS_CLIENT_CLOSED_REQUEST,
    access_log_entry::{AccessLogEntry, RequestPhase},
    attribution::Attribution,
    counters::Account,
    trace::{ClientTrace, Event, PushKind, TraceEventKind},
};
use crate::domain::{client_label::ClientLabel, room_set::RoomSet};

/// The parts of a request that the ledger uses.
pub struct RequestInfo<'a> {
    pub account: Account,
    /// `None` if they are not known yet, or are invalid.
    pub rooms: Option<&'a RoomSet>,
    pub client: Option<&'a ClientLabel>,
    /// Whether the client asks for a trace.
    pub trace: bool,
}

pub struct RequestState {
    /// Boxed, because it is `None` if requests have no log lines.
    log_line: Option<Box<LogLineDetails>>,
    pub(super) recorders: Cell<u32>,
    pub(super) attribution: OnceCell<Attribution>,
    /// The account of the request if it has no other at its end.
    pub(super) default_account: Cell<Option<Account>>,
    /// 0 until it is answered.
    pub(super) status: Cell<u16>,
    pub(super) messages: Cell<u64>,
    wire_bytes_in: Cell<u64>,
    wire_bytes_out: Cell<u64>,
    pub(super) is_traced: Cell<bool>,
    pub(super) is_stream: Cell<bool>,
    /// Apart, as most requests have none.
    trace: OnceCell<Box<RequestTrace>>,
    /// On a shared connection: whether it wrote bytes that may not be flushed yet.
    pub(super) is_flush_due: Cell<bool>,
    /// On a shared connection: whether all of its bytes have been counted.
    pub(super) has_ended: Cell<bool>,
    pub(super) is_finished: Cell<bool>,
}

/// Data that only a log line uses.
struct LogLineDetails {
    started: Instant,
    rooms: OnceCell<RoomSet>,
}

struct RequestTrace {
    client: Weak<ClientTrace>,
    /// A stream's pushes that are not in the trace yet.
    pushes: RefCell<PendingPushes>,
}

#[derive(Default)]
struct PendingPushes {
    events: Vec<(PushKind, u64, u64)>,
    is_head_traced: bool,
    traced_bytes_out: u64,
}

impl RequestState {
    pub fn new(ledger: &Ledger) -> Self {
        let log_line = ledger.request_log.then(|| {
            Box::new(LogLineDetails {
                started: Instant::now(),
                rooms: OnceCell::new(),
            })
        });
        Self {
            log_line,
            recorders: Cell::new(0),
            attribution: OnceCell::new(),
            default_account: Cell::new(None),
            status: Cell::new(0),
            messages: Cell::new(0),
            wire_bytes_in: Cell::new(0),
            wire_bytes_out: Cell::new(0),
            is_traced: Cell::new(false),
            is_stream: Cell::new(false),
            trace: OnceCell::new(),
            is_flush_due: Cell::new(false),
            has_ended: Cell::new(false),
            is_finished: Cell::new(false),
        }
    }

    /// Records the rooms for a log line, if there will be one. Only the first call has an effect.
    pub fn set_rooms(&self, rooms: impl FnOnce() -> RoomSet) {
        if let Some(line) = &self.log_line {
            let _ = line.rooms.set(rooms());
        }
    }

    pub fn set_attribution(&self, attribution: Attribution) {
        // Cannot fail: the caller has checked that there is none.
        let _ = self.attribution.set(attribution);
    }

    pub fn set_trace(&self, trace: Weak<ClientTrace>) {
        // Cannot fail, as above.
        let _ = self.trace.set(Box::new(RequestTrace {
            client: trace,
            pushes: RefCell::default(),
        }));
    }

    /// The trace of the request's client, if it asked for one.
    pub fn trace(&self) -> Option<&Weak<ClientTrace>> {
        self.trace.get().map(|trace| &trace.client)
    }

    /// Whether the answer is complete, except for bytes that are still to be written.
    pub fn is_done(&self) -> bool {
        self.recorders.get() == 0
    }

    /// Bytes in and out so far.
    pub fn bytes(&self) -> (u64, u64) {
        (self.wire_bytes_in.get(), self.wire_bytes_out.get())
    }

    /// Counts bytes, and returns on whose account they are.
    pub fn record_read(&self, bytes: u64) -> Option<&Attribution> {
        self.wire_bytes_in.set(self.wire_bytes_in.get() + bytes);
        self.attribution.get()
    }

    /// Counts bytes, and returns on whose account they are.
    pub fn record_written(&self, bytes: u64) -> Option<&Attribution> {
        self.wire_bytes_out.set(self.wire_bytes_out.get() + bytes);
        self.attribution.get()
    }

    /// The bytes that a stream has written since the last call, as trace events. Bytes that belong to no push belong
    /// to the head.
    pub fn take_pushes(&self, event: impl Fn(TraceEventKind, Account) -> Event) -> Vec<Event> {
        let (Some(attribution), Some(trace)) = (self.attribution.get(), self.trace.get()) else {
            return Vec::new();
        };
        if !self.is_stream.get() {
            return Vec::new();
        }
        let mut pushes = trace.pushes.borrow_mut();
        let mut unassigned = self.wire_bytes_out.get() - pushes.traced_bytes_out;
        if unassigned == 0 || (pushes.is_head_traced && pushes.events.is_empty()) {
            return Vec::new();
        }
        pushes.traced_bytes_out = self.wire_bytes_out.get();
        let waiting = std::mem::take(&mut pushes.events);
        let mut events = Vec::with_capacity(waiting.len() + 1);
        if !pushes.is_head_traced {
            pushes.is_head_traced = true;
            let pushed: u64 = waiting.iter().map(|(_, _, bytes)| bytes).sum();
            let head = unassigned.saturating_sub(pushed);
            unassigned -= head;
            events.push(Event {
                bytes_out: head,
                status: Some(self.status.get()),
                ..event(TraceEventKind::Answer, attribution.account)
            });
        }
        let count = waiting.len();
        for (i, (content, messages, bytes)) in waiting.into_iter().enumerate() {
            // The last event gets the remaining bytes, so that the sum is the number of bytes on the socket.
            let bytes_out = if i + 1 == count {
                unassigned
            } else {
                bytes.min(unassigned)
            };
            unassigned -= bytes_out;
            events.push(Event {
                bytes_out,
                messages,
                content: Some(content),
                ..event(TraceEventKind::Push, attribution.account)
            });
        }
        events
    }

    /// Whether the trace gets one event for the whole answer.
    pub fn is_answer_traced(&self) -> bool {
        self.is_traced.get() && !self.is_stream.get() && self.status.get() != 0
    }

    /// Records the stream's next chunk: `bytes` of body.
    pub fn add_push(&self, kind: PushKind, messages: u64, bytes: usize) {
        if let Some(trace) = self.trace.get() {
            let mut pushes = trace.pushes.borrow_mut();
            pushes.events.push((kind, messages, chunk_bytes(bytes)));
        }
    }

    /// Ends the request and returns its log entry. `None` if it has no account.
    pub fn finish(&self) -> Option<AccessLogEntry> {
        let phase = if self.is_stream.get() {
            RequestPhase::Closed
        } else {
            RequestPhase::Answered
        };
        self.entry(phase)
    }

    /// The request's present log entry. `None` if it has no account.
    pub fn entry(&self, phase: RequestPhase) -> Option<AccessLogEntry> {
        let attribution = self.attribution.get()?;
        let log_line = self.log_line.as_deref();
        Some(AccessLogEntry {
            phase,
            account: attribution.account,
            rooms: log_line.and_then(|line| line.rooms.get()).cloned(),
            client: attribution.label().cloned(),
            status: match self.status.get() {
                0 => STATUS_CLIENT_CLOSED_REQUEST,
                status => status,
            },
            messages: self.messages.get(),
            wire_bytes_in: self.wire_bytes_in.get(),
            wire_bytes_out: self.wire_bytes_out.get(),
            duration: log_line
                .map(|line| line.started.elapsed())
                .unwrap_or_default(),
        })
    }
}

/// The wire bytes of `bytes` of a stream's body, as one chunk of HTTP/1.1.
fn chunk_bytes(bytes: usize) -> u64 {
    let digits = bytes.max(1).ilog(16) as usize + 1;
    (digits + bytes + 4) as u64
}
