//! One connection's bytes, and the requests that they count for.
//!
//! The code that carries the bytes reports them here. On HTTP/1.1, where requests follow each other, they count for
//! the current request. If several requests share a connection, they count for the request of the [`RequestBytes`]
//! that reports them. Bytes that came in before a request began (its head) count for it as soon as it begins. Bytes
//! of requests without an account, such as those for the page, are not counted.

mod request_bytes;

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::{Arc, atomic::AtomicU64},
};

use jiff::Timestamp;

pub use request_bytes::RequestBytes;

use super::{
    Ledger,
    access_log_entry::AccessLogEntry,
    attribution::Attribution,
    counters::{Account, Counters, Protocol},
    request_state::{RequestInfo, RequestState},
    trace::{ConnectionTrace, Event, TlsVersion, TraceEventKind},
};

/// One connection. Clones share it; it ends when the last clone is dropped.
#[derive(Clone)]
pub struct ConnectionMeter(Rc<Connection>);

struct Connection {
    ledger: Arc<Ledger>,
    protocol: Cell<Protocol>,
    tls_version: Cell<Option<TlsVersion>>,
    /// The connection's bytes are not seen: it does not count as a connection, and the bytes of bodies count as wire
    /// bytes.
    is_detached: bool,
    /// Microseconds since the Unix epoch.
    accepted_at_us: i64,
    state: RefCell<MeterState>,
}

#[derive(Default)]
struct MeterState {
    /// Bytes that came in since the last request was complete.
    unattributed_in: u64,
    /// Boxed, because most connections have none.
    own: Option<Box<OwnBytes>>,
    stage: ByteOwnership,
    /// The account that the connection counts for: that of its latest request.
    attribution: Option<Attribution>,
    /// HTTP/1.1: the request whose bytes cross the connection.
    active: Option<RequestBytes>,
    has_written: bool,
    trace: Option<Box<ConnectionTrace>>,
}

/// Bytes that belong to the connection itself and are not charged yet. Below zero while a request was charged for
/// bytes that TLS has not yet handed to the socket.
#[derive(Default)]
struct OwnBytes {
    read: i64,
    written: i64,
    /// On a shared connection, the requests that wrote something since the last flush.
    unflushed: Vec<RequestBytes>,
}

/// Which request the bytes on the socket belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum ByteOwnership {
    /// To one request after another.
    #[default]
    Sequential,
    /// To the connection: TLS is being set up.
    Handshake,
    /// To the connection, except the bytes that are charged to requests.
    Shared,
}

impl ConnectionMeter {
    pub fn new(ledger: Arc<Ledger>, protocol: Protocol) -> Self {
        Self::with(ledger, protocol, false)
    }

    /// A connection whose bytes count for itself until TLS is [established](Self::establish).
    pub fn in_handshake(ledger: Arc<Ledger>) -> Self {
        let meter = Self::with(ledger, Protocol::Http1Tls, false);
        meter.0.state.borrow_mut().stage = ByteOwnership::Handshake;
        meter
    }

    /// Sets the connection's protocol. `early_bytes` of the received bytes already belong to requests.
    pub fn establish(&self, protocol: Protocol, early_bytes: u64) {
        self.0.protocol.set(protocol);
        let mut state = self.0.state.borrow_mut();
        match protocol {
            Protocol::Http1 | Protocol::Http1Tls => {
                state.stage = ByteOwnership::Sequential;
                state.own().read -= early_bytes as i64;
                state.unattributed_in += early_bytes;
            }
            Protocol::H2 | Protocol::H2Tls => {
                // The tap charges them to requests as it reads them.
                state.stage = ByteOwnership::Shared;
                let early = std::mem::take(&mut state.unattributed_in);
                state.own().read += early as i64;
            }
        }
    }

    /// Sets the version of TLS that the handshake agreed on.
    pub fn set_tls_version(&self, version: TlsVersion) {
        self.0.tls_version.set(Some(version));
    }

    /// What is traced of it.
    fn event(&self, kind: TraceEventKind, account: Account) -> Event {
        Event {
            tls_version: self.0.tls_version.get(),
            ..Event::new(kind, account, self.0.protocol.get())
        }
    }

    /// The connection of a request whose bytes are not seen, as in a test of its handler.
    pub fn detached(ledger: Arc<Ledger>) -> Self {
        Self::with(ledger, Protocol::Http1, true)
    }

    fn with(ledger: Arc<Ledger>, protocol: Protocol, is_detached: bool) -> Self {
        Self(Rc::new(Connection {
            ledger,
            protocol: Cell::new(protocol),
            tls_version: Cell::new(None),
            is_detached,
            accepted_at_us: Timestamp::now().as_microsecond(),
            state: RefCell::default(),
        }))
    }

    pub fn is_detached(&self) -> bool {
        self.0.is_detached
    }

    /// Begins a request. Bytes that were read and belong to no request yet count for it.
    pub(super) fn begin_request(&self, bytes: RequestBytes) {
        self.finish_active();
        let mut state = self.0.state.borrow_mut();
        bytes.record_read(self, std::mem::take(&mut state.unattributed_in));
        state.active = Some(bytes);
    }

    /// Counts bytes that were read, for the current request or for the next one.
    pub fn record_read(&self, bytes: usize) {
        let mut state = self.0.state.borrow_mut();
        if state.stage != ByteOwnership::Sequential {
            state.own().read += bytes as i64;
            // The tap takes back the bytes of requests as soon as it has read them.
            state.charge_own_bytes_in(&self.0.ledger);
            return;
        }
        match &state.active {
            Some(active) => active.record_read(self, bytes as u64),
            None => state.unattributed_in += bytes as u64,
        }
    }

    /// Counts bytes that were written for the current request.
    pub fn record_written(&self, bytes: usize) {
        let mut state = self.0.state.borrow_mut();
        if state.stage != ByteOwnership::Sequential {
            state.own().written += bytes as i64;
            return;
        }
        state.has_written = true;
        match &state.active {
            Some(active) => active.record_written(self, bytes as u64),
            // An alert of TLS.
            None if self.0.protocol.get().is_tls() => state.own().written += bytes as i64,
            // An answer to bytes that were not a request.
            None => state.unattributed_in = 0,
        }
    }

    /// Records that all pending bytes are written. The current request ends if it is answered.
    pub fn record_flushed(&self) {
        if self.0.state.borrow().stage == ByteOwnership::Shared {
            return self.settle_shared();
        }
        let Some(active) = self.0.state.borrow().active.clone() else {
            return;
        };
        active.record_flushed(self);
        if active.0.is_done() {
            self.finish_active();
        }
    }

    /// All bytes of requests are on the socket, so the other bytes that crossed it count for the connection.
    fn settle_shared(&self) {
        let written = {
            let mut state = self.0.state.borrow_mut();
            state.charge_own_bytes(&self.0.ledger);
            state
                .own
                .as_mut()
                .map(|own| std::mem::take(&mut own.unflushed))
        };
        for request in written.into_iter().flatten() {
            request.0.is_flush_due.set(false);
            request.record_flushed(self);
            request.finish_if_over(self);
        }
    }

    /// Whether a request is expected or has begun to arrive, but its head is not complete yet.
    pub fn is_awaiting_head(&self) -> bool {
        let state = self.0.state.borrow();
        // The first request is expected as soon as the connection is open.
        state.active.is_none() && (state.unattributed_in > 0 || !state.has_written)
    }

    /// Whether a request is open.
    pub fn has_request(&self) -> bool {
        self.0.state.borrow().active.is_some()
    }

    /// Whether a part of the answer to the current request was written.
    pub fn has_answer(&self) -> bool {
        let state = self.0.state.borrow();
        let active = state.active.as_ref();
        active.is_some_and(|active| active.0.bytes().1 > 0)
    }

    fn finish_active(&self) {
        let active = self.0.state.borrow_mut().active.take();
        if let Some(active) = active {
            active.finish(self);
        }
    }

    /// Attributes a request to an account, with its cost so far and its further cost.
    pub(super) fn attribute(&self, request: &RequestState, info: &RequestInfo<'_>) {
        let ledger = &self.0.ledger;
        let mut state = self.0.state.borrow_mut();
        let attribution = match &state.attribution {
            Some(last) if last.account == info.account && last.label() == info.client => {
                last.clone()
            }
            _ => self.0.move_to(&mut state, info),
        };
        attribution.charge(ledger, |counters| &counters.requests, 1);
        let (read, written) = request.bytes();
        attribution.charge(ledger, |counters| &counters.wire_bytes_in, read);
        attribution.charge(ledger, |counters| &counters.wire_bytes_out, written);
        if let Some(client) = info.client.filter(|_| info.trace) {
            let trace = ledger
                .traces
                .open(client, &ledger.clients.open(client).rooms);
            let event = |kind| self.event(kind, info.account);
            let traced = state.trace.get_or_insert_with(|| {
                let number = ledger.next_connection();
                Box::new(ConnectionTrace::new(number, self.0.accepted_at_us))
            });
            traced.switch_to(&trace, event(TraceEventKind::Opened));
            let trace = Arc::downgrade(&trace);
            let asked = Event {
                bytes_in: read,
                ..event(TraceEventKind::Request)
            };
            traced.record_for(&trace, asked);
            request.set_trace(trace);
        }
        request.set_attribution(attribution);
    }

    pub(super) fn charge(&self, to: &Attribution, counter: fn(&Counters) -> &AtomicU64, n: u64) {
        to.charge(&self.0.ledger, counter, n);
    }

    pub(super) fn ledger(&self) -> &Ledger {
        &self.0.ledger
    }

    /// Adds an event to the trace of the request's client.
    fn trace(&self, request: &RequestState, event: Event) {
        if let (Some(connection), Some(client)) = (&self.0.state.borrow().trace, request.trace()) {
            connection.record_for(client, event);
        }
    }

    pub(super) fn log(&self, entry: &AccessLogEntry) {
        self.0.ledger.log.request(entry, self.0.protocol.get());
    }
}

impl Connection {
    /// Makes the connection count for another account.
    fn move_to(&self, state: &mut MeterState, info: &RequestInfo<'_>) -> Attribution {
        let ledger = &self.ledger;
        let attribution = Attribution::new(ledger, info.account, self.protocol.get(), info.client);
        let before = state.attribution.replace(attribution.clone());
        if self.is_detached {
            return attribution;
        }
        match before {
            Some(before) => before.release(ledger),
            None => attribution.charge(ledger, |counters| &counters.connections, 1),
        }
        attribution.charge(ledger, |counters| &counters.open, 1);
        state.charge_own_bytes(ledger);
        attribution
    }
}

impl MeterState {
    fn own(&mut self) -> &mut OwnBytes {
        self.own.get_or_insert_default()
    }

    fn charge_own_bytes(&mut self, ledger: &Ledger) {
        self.charge_own_bytes_in(ledger);
        if let (Some(attribution), Some(own)) = (&self.attribution, &mut self.own) {
            let written = std::mem::take(&mut own.written);
            attribution.charge(
                ledger,
                |counters| &counters.connection_bytes_out,
                written as u64,
            );
        }
    }

    fn charge_own_bytes_in(&mut self, ledger: &Ledger) {
        if let (Some(attribution), Some(own)) = (&self.attribution, &mut self.own) {
            let read = std::mem::take(&mut own.read);
            // Wrapping arithmetic takes back what was charged too much before.
            attribution.charge(
                ledger,
                |counters| &counters.connection_bytes_in,
                read as u64,
            );
        }
    }
}

impl Drop for ConnectionMeter {
    fn drop(&mut self) {
        // With the last clone, the connection ends, and so does its current request.
        if Rc::strong_count(&self.0) > 1 {
            return;
        }
        self.finish_active();
        {
            let mut state = self.0.state.borrow_mut();
            if self.0.protocol.get().is_tls() {
                // Bytes of TLS: the client's last alert.
                let early = std::mem::take(&mut state.unattributed_in);
                state.own().read += early as i64;
            }
        }
        self.settle_shared();
        let state = self.0.state.borrow();
        let Some(attribution) = &state.attribution else {
            return;
        };
        if let Some(trace) = &state.trace {
            let closed = self.event(TraceEventKind::Closed, attribution.account);
            trace.record_for_all(&closed);
        }
        if !self.0.is_detached {
            attribution.release(&self.0.ledger);
        }
    }
}
