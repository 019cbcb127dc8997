//! One request and its answer, on the account of a transport and a client.

use std::{cell::Cell, sync::Arc};

use super::{
    Ledger,
    connection::{Claim, Connection, Open},
    lines::{Phase, RequestLine},
    trace::{Content, Event, Kind},
};
use crate::domain::room::Room;

/// A request and its answer. Belongs to the answer's
/// body: dropped when that is done.
pub struct Exchange {
    /// The connection's; here too, so that a delivery need not go there.
    ledger: Arc<Ledger>,
    connection: Connection,
    claim: Claim,
    messages: u64,
    /// What was written past HTTP.
    wire_bytes_out: u64,
    /// How much of that the trace was told of.
    traced_bytes_out: u64,
    /// It has a status; the client did not leave before.
    answered: Cell<bool>,
}

impl Exchange {
    pub(super) fn new(ledger: Arc<Ledger>, connection: Connection, claim: Claim) -> Self {
        Self {
            ledger,
            connection,
            claim,
            messages: 0,
            wire_bytes_out: 0,
            traced_bytes_out: 0,
            answered: Cell::new(false),
        }
    }

    /// Notes the room, where it is only known from the body.
    pub fn room(&self, room: &Room) {
        self.with_line(|line| line.room = Some(room.clone()));
    }

    pub fn status(&self, status: u16) {
        self.answered.set(true);
        self.with_line(|line| line.status = status);
    }

    fn with_line(&self, change: impl FnOnce(&mut RequestLine)) {
        if let Some(Open {
            line: Some(line), ..
        }) = &mut self.connection.state().exchange
        {
            change(line);
        }
    }

    /// Notes bytes that were written to a socket taken over.
    pub fn wrote(&mut self, bytes: usize) {
        let bytes = bytes as u64;
        self.wire_bytes_out += bytes;
        self.claim
            .add(&self.ledger, |counts| &counts.wire_bytes_out, bytes);
    }

    /// Notes messages given to the client; for publish, appended.
    pub fn messages(&mut self, messages: u64) {
        self.messages += messages;
        self.claim
            .add(&self.ledger, |counts| &counts.messages, messages);
    }

    /// Notes how late messages are that are being given to the client: the oldest of `messages`
    /// was published at `sent_at_us`.
    pub fn delay(&self, sent_at_us: i64, messages: u64) {
        if let Some(delays) = self.ledger.delays(self.claim.transport) {
            delays.note(sent_at_us, messages);
        }
    }

    /// Tells the trace that all that was noted as written since it was last told has gone out:
    /// a stream's head, or with `content` something that it pushed.
    pub fn sent(&mut self, content: Option<Content>, messages: u64) {
        self.tell(
            content,
            messages,
            self.wire_bytes_out - self.traced_bytes_out,
        );
    }

    /// Tells the trace that a stream's head has gone out: the first `bytes` of what was noted as
    /// written since it was last told.
    pub fn sent_head(&mut self, bytes: u64) {
        self.tell(None, 0, bytes);
    }

    fn tell(&mut self, content: Option<Content>, messages: u64, bytes_out: u64) {
        let mut state = self.connection.state();
        let Some(open) = state.exchange.as_mut().filter(|open| open.traced) else {
            return;
        };
        let status = open.line.as_ref().map(|line| line.status);
        self.traced_bytes_out += bytes_out;
        let kind = if content.is_some() {
            Kind::Push
        } else {
            Kind::Answer
        };
        state.trace(Event {
            bytes_out,
            messages,
            status: status.filter(|_| kind == Kind::Answer),
            content,
            ..Event::new(0, kind, self.claim.transport)
        });
    }

    /// Writes the request's line as it stands now, before the answer: an answer without end.
    pub fn announce(&self) {
        if !self.ledger.request_log {
            return;
        }
        self.with_line(|line| {
            line.phase = Phase::Opened;
            self.ledger.lines.request(line);
            line.phase = Phase::Closed;
        });
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if self.answered.get() && self.messages == 0 {
            self.claim.add(&self.ledger, |counts| &counts.empty, 1);
        }
        if let Some(open) = &mut self.connection.state().exchange {
            open.answered = true;
            // What a stream sent, its trace was told of piece by piece.
            open.traced &= self.wire_bytes_out == 0;
            if let Some(line) = &mut open.line {
                line.messages = self.messages;
                line.wire_bytes_out += self.wire_bytes_out;
            }
        }
    }
}
