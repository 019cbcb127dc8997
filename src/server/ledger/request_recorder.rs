//! One request and its answer: its client, its query and its cost.
//!
//! A [`RequestRecorder`] travels with the request, in its extensions, and then with the answer's body. A
//! [`RequestBytes`] counts the request's bytes at the connection.

use std::rc::Rc;

use super::{
    access_log_entry::RequestPhase,
    connection_meter::{ConnectionMeter, RequestBytes},
    counters::Account,
    request_state::RequestState,
    trace::PushKind,
};
use crate::domain::room::Room;

pub use super::request_state::RequestInfo;

/// Records one request and its answer. Clones share it; the answer is complete when the last clone is dropped.
pub struct RequestRecorder {
    meter: ConnectionMeter,
    request: Rc<RequestState>,
}

impl RequestRecorder {
    /// Begins the only request on a connection. Bytes that were read and belong to no request yet count for it.
    pub fn begin(meter: &ConnectionMeter) -> Self {
        let request = Rc::new(RequestState::new(meter.ledger()));
        meter.begin_request(RequestBytes::new(request.clone()));
        Self::new(meter.clone(), request)
    }

    /// Begins a request on a shared connection. The returned handle reports its bytes.
    pub fn begin_among_others(meter: &ConnectionMeter) -> (Self, RequestBytes) {
        let request = Rc::new(RequestState::new(meter.ledger()));
        let bytes = RequestBytes::new(request.clone());
        (Self::new(meter.clone(), request), bytes)
    }

    fn new(meter: ConnectionMeter, request: Rc<RequestState>) -> Self {
        request.recorders.set(request.recorders.get() + 1);
        Self { meter, request }
    }

    pub fn meter(&self) -> &ConnectionMeter {
        &self.meter
    }

    /// Attributes the request to an account. Only the first call has an effect.
    pub fn open(&self, info: &RequestInfo<'_>) {
        if self.is_open() {
            return;
        }
        if let Some(rooms) = info.rooms {
            self.request.set_rooms(|| rooms.clone());
        }
        self.request.is_traced.set(info.trace);
        self.meter.attribute(&self.request, info);
    }

    /// The account of the request if it has none at its end, such as a refused request.
    pub fn set_default_account(&self, account: Account) {
        self.request.default_account.set(Some(account));
    }

    /// Whether the request has an account.
    pub fn is_open(&self) -> bool {
        self.request.attribution.get().is_some()
    }

    /// Records the room, if it is known only from the body.
    pub fn set_room(&self, room: &Room) {
        self.request.set_rooms(|| room.clone().into());
    }

    /// Bytes in and out so far.
    pub fn bytes(&self) -> (u64, u64) {
        self.request.bytes()
    }

    pub fn set_status(&self, status: u16) {
        self.request.status.set(status);
    }

    /// Counts messages delivered to the client; for publish, appended messages.
    pub fn record_messages(&self, messages: u64) {
        let request = &self.request;
        request.messages.set(request.messages.get() + messages);
        if let Some(attribution) = request.attribution.get() {
            self.meter
                .charge(attribution, |counters| &counters.messages, messages);
        }
    }

    /// Counts the delay of messages that are being delivered: the oldest of `messages` was published at `sent_at_us`.
    pub fn record_delay(&self, sent_at_us: i64, messages: u64) {
        let attribution = self.request.attribution.get();
        let delays = attribution.and_then(|it| self.meter.ledger().delays(it.account));
        if let Some(delays) = delays {
            delays.record(sent_at_us, messages);
        }
    }

    /// Marks the answer as a stream: its opening gets a log line, and each push an event in the trace.
    pub fn begin_stream(&self) {
        self.request.is_stream.set(true);
        if self.meter.ledger().request_log
            && let Some(entry) = self.request.entry(RequestPhase::Opened)
        {
            self.meter.log(&entry);
        }
    }

    /// Records the stream's next chunk: `bytes` of body. The trace gets the event once they are written.
    pub fn record_push(&self, kind: PushKind, messages: u64, bytes: usize) {
        if self.request.is_traced.get() {
            self.request.add_push(kind, messages, bytes);
        }
    }

    /// Counts bytes of a body, on a connection whose wire bytes are not seen.
    pub fn record_body(&self, read: u64, written: u64) {
        let request = &self.request;
        if let Some(attribution) = request.record_read(read) {
            self.meter
                .charge(attribution, |counters| &counters.wire_bytes_in, read);
        }
        if let Some(attribution) = request.record_written(written) {
            self.meter
                .charge(attribution, |counters| &counters.wire_bytes_out, written);
        }
    }
}

impl Clone for RequestRecorder {
    fn clone(&self) -> Self {
        Self::new(self.meter.clone(), self.request.clone())
    }
}

impl Drop for RequestRecorder {
    fn drop(&mut self) {
        let request = &self.request;
        request.recorders.set(request.recorders.get() - 1);
        if !request.is_done() {
            return;
        }
        if let Some(account) = request.default_account.get()
            && request.attribution.get().is_none()
        {
            let info = RequestInfo {
                account,
                rooms: None,
                client: None,
                trace: false,
            };
            self.meter.attribute(request, &info);
        }
        let is_answered = request.status.get() != 0;
        if let Some(attribution) = request.attribution.get()
            && is_answered
            && request.messages.get() == 0
        {
            self.meter
                .charge(attribution, |counters| &counters.empty, 1);
        }
        if self.meter.is_detached() {
            self.meter.record_flushed();
        }
        if request.has_ended.get() {
            RequestBytes::new(request.clone()).finish_if_over(&self.meter);
        }
    }
}
