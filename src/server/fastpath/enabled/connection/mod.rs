//! One connection of a reactor: what it waits for, and what it does when that may have come.
//!
//! It has no task and no timer, and buffers only for bytes that a socket did not take. [`delivery`](crate::delivery)
//! decides what its reader gets. [`poll`] answers polls, and [`stream`] carries streams.

mod poll;
mod stream;

use std::{future::Future, io, pin::Pin, task::Waker};

use bytes::{Buf as _, Bytes};
use tokio::time::Instant;

use super::{
    context::ReactorContext,
    output::StreamOutput,
    request::{ParsedRequest, PlainRequest, parse_request},
    rooms::Seat,
    socket::{ClientSocket, ReadOutcome},
    timers::TimerSlot,
};
use crate::{
    delivery::{
        poll::{PollOutcome, PollRead, WaitingPoll},
        poll_response::{IfNoneMatch, PollBody},
        read_query::ReadQuery,
        stream_reader::StreamReader,
    },
    domain::transport::Transport,
    fastpath::ForwardedConnection,
    ledger::request_recorder::RequestRecorder,
    limits::connections::ConnectionPermit,
    log::{RoomReader, store::StoreUnavailable},
    net::{
        half_closed::{ANSWER_PREFIX, PROBE_DELAY},
        timeouts::IdleLimits,
    },
};

/// How much is read at a time: more than a poll's head.
const READ_BYTES: usize = 2048;
/// How much is read ahead while a request waits for its answer.
const MAX_PIPELINED_BYTES: usize = 8 * 1024;

pub struct FastConnection {
    socket: ClientSocket,
    id: u64,
    state: ConnectionState,
    /// Bytes that were read but are not yet part of a request. Boxed, because most connections have none.
    input: Option<Box<Bytes>>,
    limits: IdleLimits,
    /// Whether bytes crossed the socket since the timeouts were last checked.
    is_active: bool,
    /// Boxed, because most clients never close only one side.
    half_closed: Option<Box<HalfClosedClient>>,
    /// Its place in the room whose messages it waits for.
    pub seat: Option<Seat>,
    /// Wakes the connection if its state needs that. Boxed, because most have none.
    waker: Option<Box<Waker>>,
    pub timer: TimerSlot,
    /// Whether the connection is in the reactor's queue.
    pub is_queued: bool,
    permit: Option<ConnectionPermit>,
}

/// A client that has ended its side of the connection.
struct HalfClosedClient {
    /// When the first bytes of the answer are sent ahead, to find out whether the client is still there.
    probe_at: Instant,
    /// The bytes of the present answer that were sent ahead.
    sent_ahead: usize,
}

enum ConnectionState {
    /// Waits for a request, or for the rest of one.
    Idle,
    Poll(Box<PollInProgress>),
    Opening(Box<OpeningStream>),
    Answering(Box<UnwrittenAnswer>),
    Stream(Box<OpenStream>),
}

struct PollInProgress {
    recorder: RequestRecorder,
    stage: PollStage,
}

enum PollStage {
    Reading(PollRead),
    Waiting(Box<WaitingPoll>),
}

struct OpeningStream {
    recorder: RequestRecorder,
    opening: Pin<Box<dyn Future<Output = Result<StreamReader, StoreUnavailable>>>>,
}

/// An answer that the socket did not take at once.
struct UnwrittenAnswer {
    recorder: RequestRecorder,
    output: Vec<u8>,
    rest: PollBody,
    /// Whether this is the connection's last answer.
    close: bool,
}

struct OpenStream {
    recorder: RequestRecorder,
    reader: StreamReader,
    unwritten: Option<Box<StreamOutput>>,
    is_last: bool,
    /// Whether to send an empty comment, because the client has ended its side.
    is_probe_due: bool,
}

/// A request that the accelerator serves.
enum AdmittedRequest {
    Poll(ReadQuery, IfNoneMatch),
    Stream(ReadQuery),
}

/// What the reactor does next with a connection.
pub enum NextAction {
    /// Let it wait, at most until this moment.
    Wait(Option<Instant>),
    /// Continue after other connections had their turn.
    Yield,
    Close,
    /// Hand it to HTTP.
    Forward,
}

/// One step: `None` if another one follows.
type StepOutcome = Option<NextAction>;

impl FastConnection {
    pub fn new(
        socket: ClientSocket,
        id: u64,
        permit: Option<ConnectionPermit>,
        now: Instant,
    ) -> Self {
        Self {
            socket,
            id,
            state: ConnectionState::Idle,
            input: None,
            limits: IdleLimits::new(now),
            is_active: false,
            half_closed: None,
            seat: None,
            waker: None,
            timer: TimerSlot::UNSET,
            is_queued: false,
            permit,
        }
    }

    pub fn socket(&mut self) -> &mut ClientSocket {
        &mut self.socket
    }

    /// Reads a little of each part that the next run uses, to bring it into the caches.
    pub fn prefetch(&self) -> (bool, bool, (u64, u64)) {
        let bytes = match &self.state {
            ConnectionState::Stream(stream) => stream.recorder.bytes(),
            _ => (0, 0),
        };
        (self.is_active, self.socket.meter.has_request(), bytes)
    }

    /// Does everything that can be done now. `key` is the connection's key in the reactor.
    pub fn run(&mut self, key: u32, shared: &mut ReactorContext) -> NextAction {
        shared.input.clear();
        if let Some(input) = self.input.take() {
            shared.input.extend_from_slice(&input);
        }
        let next = loop {
            let step = match &self.state {
                ConnectionState::Idle => self.read_request(shared),
                ConnectionState::Poll(_) => self.advance_poll(key, shared),
                ConnectionState::Opening(_) => self.open_stream(key, shared),
                ConnectionState::Answering(_) => self.continue_answer(shared),
                ConnectionState::Stream(_) => self.advance_stream(key, shared),
            };
            if let Some(next) = step {
                break next;
            }
        };
        if !shared.input.is_empty() {
            self.input = Some(Box::new(Bytes::copy_from_slice(&shared.input)));
        }
        next
    }

    /// Hands the connection to HTTP.
    pub fn forward(self) -> io::Result<ForwardedConnection> {
        let (tcp, meter) = self.socket.into_parts();
        Ok(ForwardedConnection {
            tcp: tokio::net::TcpStream::from_std(tcp)?,
            input: self.input.map(|input| *input).unwrap_or_default(),
            id: self.id,
            meter,
            permit: self.permit,
        })
    }

    fn read_request(&mut self, shared: &mut ReactorContext) -> StepOutcome {
        let (request, length) = match parse_request(&shared.input) {
            ParsedRequest::Other => return Some(NextAction::Forward),
            ParsedRequest::Partial => return self.wait_for_input(shared),
            ParsedRequest::Plain(request, length) => (request, length),
        };
        let Some(request) = self.let_in(request, shared) else {
            return Some(NextAction::Forward);
        };
        shared.input.advance(length);
        let recorder = RequestRecorder::begin(&self.socket.meter);
        let delivery = &shared.delivery;
        match request {
            AdmittedRequest::Poll(query, if_none_match) => {
                recorder.open(&query.request_info(query.poll_transport()));
                match delivery.start_poll(query, if_none_match, self.id) {
                    PollOutcome::Ready(result) => {
                        return self.answer_poll(result, recorder, shared);
                    }
                    PollOutcome::Reading(read) => {
                        let stage = PollStage::Reading(read);
                        self.state =
                            ConnectionState::Poll(Box::new(PollInProgress { recorder, stage }));
                    }
                }
            }
            AdmittedRequest::Stream(query) => {
                recorder.open(&query.request_info(Transport::Stream));
                let (delivery, id) = (delivery.clone(), self.id);
                let opening = Box::pin(async move { delivery.open_stream(&query, id).await });
                self.state =
                    ConnectionState::Opening(Box::new(OpeningStream { recorder, opening }));
            }
        }
        None
    }

    /// The request, if the accelerator may serve it.
    fn let_in(
        &self,
        mut request: PlainRequest<'_>,
        shared: &ReactorContext,
    ) -> Option<AdmittedRequest> {
        let peer = || Some(self.socket.tcp().peer_addr().ok()?.ip());
        let query = request.query();
        if query.client.is_some() {
            // The address counts for presence. HTTP finds that of a proxy's client.
            if shared.trusts_proxies {
                return None;
            }
            query.address = peer().map(Into::into);
        }
        match (request, &shared.gate) {
            // Whether caches may share its answer also depends on the rest of its head.
            (PlainRequest::Poll { query, .. }, _) if shared.delivery.shares_poll(&query) => None,
            (
                PlainRequest::Poll {
                    mut query,
                    if_none_match,
                    authorization,
                },
                gate,
            ) => {
                if let Some(gate) = gate {
                    // A long-poll must not outlive its token.
                    query.wait = query.wait.min(gate.admit(&query, authorization, &peer)?);
                }
                Some(AdmittedRequest::Poll(query, if_none_match))
            }
            (PlainRequest::Stream(query), None) => Some(AdmittedRequest::Stream(query)),
            // A stream may have to end with its token.
            (PlainRequest::Stream(_), Some(_)) => None,
        }
    }

    fn wait_for_input(&mut self, shared: &mut ReactorContext) -> StepOutcome {
        if shared.is_stopping() {
            return Some(NextAction::Close);
        }
        match self.read(shared) {
            ReadOutcome::Bytes(_) => None,
            ReadOutcome::Ended | ReadOutcome::Failed => Some(NextAction::Close),
            ReadOutcome::Blocked => {
                let is_active = std::mem::take(&mut self.is_active);
                let in_head = self.socket.meter.is_awaiting_head();
                let (now, keep_alive) = (shared.now, shared.keep_alive);
                let expires_at = self.limits.expires_at(is_active, in_head, now, keep_alive);
                if expires_at > now {
                    return Some(NextAction::Wait(Some(expires_at)));
                }
                shared.refusals.count(self.limits.reason());
                Some(NextAction::Close)
            }
        }
    }

    /// Reads the available bytes, up to a few requests.
    fn read(&mut self, shared: &mut ReactorContext) -> ReadOutcome {
        let length = shared.input.len();
        shared.input.resize(length + READ_BYTES, 0);
        let input = self.socket.read(&mut shared.input[length..]);
        let bytes = if let ReadOutcome::Bytes(bytes) = input {
            self.is_active = true;
            bytes
        } else {
            0
        };
        shared.input.truncate(length + bytes);
        input
    }

    /// Waits for the request's answer, unless the client leaves.
    fn wait_unless_left(
        &mut self,
        until: Option<Instant>,
        shared: &mut ReactorContext,
    ) -> StepOutcome {
        while self.half_closed.is_none() && shared.input.len() < MAX_PIPELINED_BYTES {
            match self.read(shared) {
                ReadOutcome::Bytes(_) => {}
                ReadOutcome::Ended => {
                    self.half_closed = Some(Box::new(HalfClosedClient {
                        probe_at: shared.now + PROBE_DELAY,
                        sent_ahead: 0,
                    }));
                }
                ReadOutcome::Failed => return Some(NextAction::Close),
                ReadOutcome::Blocked => break,
            }
        }
        let Some(half_closed) = &mut self.half_closed else {
            return Some(NextAction::Wait(until));
        };
        if self.socket.is_reset() {
            return Some(NextAction::Close);
        }
        if half_closed.sent_ahead == 0 {
            let probe_at = half_closed.probe_at;
            if probe_at > shared.now {
                let first = until.map_or(probe_at, |until| until.min(probe_at));
                return Some(NextAction::Wait(Some(first)));
            }
            match self.socket.write(ANSWER_PREFIX) {
                Ok(Some(bytes)) => half_closed.sent_ahead = bytes,
                // Bytes queued before are on their way, and the peer may answer them with a reset, too.
                Ok(None) => {}
                Err(_) => return Some(NextAction::Close),
            }
        }
        Some(NextAction::Wait(until))
    }

    /// How many bytes of the answer that begins now were sent ahead.
    fn take_sent_ahead(&mut self) -> usize {
        let half_closed = self.half_closed.as_mut();
        half_closed.map_or(0, |it| std::mem::take(&mut it.sent_ahead))
    }

    fn take_seat(&mut self, room: &RoomReader, key: u32, shared: &mut ReactorContext) {
        if self.seat.is_some_and(|seat| shared.rooms.is_in(seat, room)) {
            return;
        }
        self.leave_room(shared);
        self.seat = Some(shared.rooms.join(room, key));
    }

    pub fn leave_room(&mut self, shared: &mut ReactorContext) {
        if let Some(seat) = self.seat.take() {
            shared.rooms.leave(seat);
        }
    }

    fn waker(&mut self, key: u32, shared: &ReactorContext) -> Waker {
        let waker = || Box::new(shared.signals.connection_waker(key));
        Waker::clone(self.waker.get_or_insert_with(waker))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The memory of a waiting connection, without its meters in the ledger.
    #[test]
    fn what_waits_is_small() {
        let sizes = [
            ("a connection", size_of::<FastConnection>(), 128),
            ("a stream", size_of::<OpenStream>(), 136),
            ("a long-poll", size_of::<WaitingPoll>(), 192),
        ];
        for (what, bytes, most) in sizes {
            assert!(bytes <= most, "{what} takes {bytes} bytes");
        }
    }
}
