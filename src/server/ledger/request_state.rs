//! What the ledger knows of one request while it is under way.

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

/// What a client asks for with a request, as far as the ledger is concerned.
pub struct RequestInfo<'a> {
    pub account: Account,
    /// `None` if they are not known yet, or were no rooms.
    pub rooms: Option<&'a RoomSet>,
    pub client: Option<&'a ClientLabel>,
    /// Whether the client wants a trace of what the server sees of it.
    pub trace: bool,
}

pub struct RequestState {
    /// Apart, as it is `None` where requests have no log lines.
    log_line: Option<Box<LogLineDetails>>,
    pub(super) recorders: Cell<u32>,
    pub(super) attribution: OnceCell<Attribution>,
    /// Where it belongs if nothing else is known of it at its end.
    pub(super) default_account: Cell<Option<Account>>,
    /// 0 as long as it is not answered.
    pub(super) status: Cell<u16>,
    pub(super) messages: Cell<u64>,
    wire_bytes_in: Cell<u64>,
    wire_bytes_out: Cell<u64>,
    pub(super) is_traced: Cell<bool>,
    pub(super) is_stream: Cell<bool>,
    /// Apart, as most requests have none.
    trace: OnceCell<Box<RequestTrace>>,
    /// Among others on a connection: it wrote something that is not known to be flushed.
    pub(super) is_flush_due: Cell<bool>,
    /// Among others on a connection: all of its bytes have come and gone.
    pub(super) has_ended: Cell<bool>,
    pub(super) is_finished: Cell<bool>,
}

/// What only a log line tells of a request.
struct LogLineDetails {
    started: Instant,
    rooms: OnceCell<RoomSet>,
}

struct RequestTrace {
    client: Weak<ClientTrace>,
    /// What a stream sent that the trace was not told of yet.
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

    /// Notes the rooms for a log line, if there is to be one. The first that are known count.
    pub fn set_rooms(&self, rooms: impl FnOnce() -> RoomSet) {
        if let Some(line) = &self.log_line {
            let _ = line.rooms.set(rooms());
        }
    }

    pub fn set_attribution(&self, attribution: Attribution) {
        // Asked before: there is none yet.
        let _ = self.attribution.set(attribution);
    }

    pub fn set_trace(&self, trace: Weak<ClientTrace>) {
        // As with the attribution: there is none yet.
        let _ = self.trace.set(Box::new(RequestTrace {
            client: trace,
            pushes: RefCell::default(),
        }));
    }

    /// The trace of the request's client, if it asked for one.
    pub fn trace(&self) -> Option<&Weak<ClientTrace>> {
        self.trace.get().map(|trace| &trace.client)
    }

    /// The answer is complete, but for bytes that are still to be written.
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

    /// What a stream has written since it was last asked, as events of its trace. What is not a
    /// push's is the head's.
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
            // The last one has what is left, so that the sum is what crossed the socket.
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

    /// Whether the trace is told of the answer as a whole.
    pub fn is_answer_traced(&self) -> bool {
        self.is_traced.get() && !self.is_stream.get() && self.status.get() != 0
    }

    /// Notes what a stream sends next: `bytes` of body.
    pub fn add_push(&self, kind: PushKind, messages: u64, bytes: usize) {
        if let Some(trace) = self.trace.get() {
            let mut pushes = trace.pushes.borrow_mut();
            pushes.events.push((kind, messages, chunk_bytes(bytes)));
        }
    }

    /// Ends the request: what a log line says of it. `None` if it is on no account.
    pub fn finish(&self) -> Option<AccessLogEntry> {
        let phase = if self.is_stream.get() {
            RequestPhase::Closed
        } else {
            RequestPhase::Answered
        };
        self.entry(phase)
    }

    /// What a log line says of the request now. `None` if it is on no account.
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

/// What `bytes` of a stream's body are in one chunk of HTTP/1.1.
fn chunk_bytes(bytes: usize) -> u64 {
    let digits = bytes.max(1).ilog(16) as usize + 1;
    (digits + bytes + 4) as u64
}
