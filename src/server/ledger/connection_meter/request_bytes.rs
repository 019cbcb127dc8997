//! The bytes of one request of a connection.

use std::rc::Rc;

use super::{
    super::{
        request_state::RequestState,
        trace::{Event, TraceEventKind},
    },
    ConnectionMeter,
};

/// The side of a request that counts its bytes.
#[derive(Clone)]
pub struct RequestBytes(pub(super) Rc<RequestState>);

impl RequestBytes {
    pub(in crate::ledger) fn new(request: Rc<RequestState>) -> Self {
        Self(request)
    }

    pub fn record_read(&self, meter: &ConnectionMeter, bytes: u64) {
        if let Some(attribution) = self.0.record_read(bytes) {
            meter.charge(attribution, |counters| &counters.wire_bytes_in, bytes);
        }
    }

    pub fn record_written(&self, meter: &ConnectionMeter, bytes: u64) {
        if let Some(attribution) = self.0.record_written(bytes) {
            meter.charge(attribution, |counters| &counters.wire_bytes_out, bytes);
        }
    }

    /// Records that all bytes of the answer so far are written.
    pub fn record_flushed(&self, meter: &ConnectionMeter) {
        let events = self
            .0
            .take_pushes(|kind, account| meter.event(kind, account));
        for event in events {
            meter.trace(&self.0, event);
        }
    }

    /// Counts received bytes of this request on a shared connection.
    pub fn charge_read(&self, meter: &ConnectionMeter, bytes: u64) {
        self.record_read(meter, bytes);
        let mut state = meter.0.state.borrow_mut();
        state.own().read -= bytes as i64;
        state.charge_own_bytes_in(&meter.0.ledger);
    }

    /// Counts sent bytes of this request on a shared connection.
    pub fn charge_written(&self, meter: &ConnectionMeter, bytes: u64) {
        self.record_written(meter, bytes);
        let mut state = meter.0.state.borrow_mut();
        state.own().written -= bytes as i64;
        if !self.0.is_flush_due.replace(true) {
            state.own().unflushed.push(self.clone());
        }
    }

    /// Records that no further byte of the request will come, in either direction.
    pub fn end(&self, meter: &ConnectionMeter) {
        self.0.has_ended.set(true);
        // If bytes are still to be flushed, the trace gets their event first.
        if !self.0.is_flush_due.get() {
            self.finish_if_over(meter);
        }
    }

    /// Ends the request if its bytes and its answer are complete.
    pub(in crate::ledger) fn finish_if_over(&self, meter: &ConnectionMeter) {
        if self.0.has_ended.get() && self.0.is_done() && !self.0.is_finished.replace(true) {
            self.finish(meter);
        }
    }

    /// Finishes the request: its answer and its bytes are complete, or the connection has ended.
    pub fn finish(&self, meter: &ConnectionMeter) {
        let is_logged = meter.ledger().request_log;
        if !is_logged && !self.0.is_answer_traced() {
            return;
        }
        let Some(entry) = self.0.finish() else {
            return;
        };
        if is_logged {
            meter.log(&entry);
        }
        // If no byte was written, there was no answer.
        if self.0.is_answer_traced() && entry.wire_bytes_out > 0 {
            let answer = Event {
                bytes_out: entry.wire_bytes_out,
                messages: entry.messages,
                status: Some(entry.status),
                ..meter.event(TraceEventKind::Answer, entry.account)
            };
            meter.trace(&self.0, answer);
        }
    }
}
