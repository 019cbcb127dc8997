//! A stream on a connection: opening it, writing it, and noticing its end.

use std::{
    io,
    task::{Context, Poll, Waker},
};

use tokio::time::Instant;

use super::{
    ConnectionState, FastConnection, HalfClosedClient, NextAction, OpenStream, OpeningStream,
    StepOutcome,
};
use crate::{
    delivery::{sse, waits::ReaderWaits},
    fastpath::enabled::{
        context::ReactorContext,
        output::{StreamOutput, WriteProgress},
        response::write_stream_head,
        socket::ReadOutcome,
    },
    log::{RoomReader, frame_batch::FrameBatch, tail::TailLookup},
};

/// How many chunks of a stream are written before other connections have their turn.
const CHUNKS_A_TURN: usize = 8;
/// How often ignored input is read before other connections have their turn.
const READS_A_TURN: usize = 16;

impl FastConnection {
    pub(super) fn open_stream(&mut self, key: u32, shared: &mut ReactorContext) -> StepOutcome {
        let waker = self.waker(key, shared);
        let ConnectionState::Opening(stream) = &mut self.state else {
            return None;
        };
        let opened = stream
            .opening
            .as_mut()
            .poll(&mut Context::from_waker(&waker));
        let Poll::Ready(opened) = opened else {
            return self.wait_unless_left(None, shared);
        };
        self.waker = None;
        let ConnectionState::Opening(stream) =
            std::mem::replace(&mut self.state, ConnectionState::Idle)
        else {
            return None;
        };
        let OpeningStream { recorder, opening } = *stream;
        // Freed before the lasting allocations are made, so that these lie close together.
        drop(opening);
        let mut reader = match opened {
            Ok(reader) => reader,
            Err(unavailable) => {
                return self.answer_problem(&unavailable.into(), recorder, shared);
            }
        };
        recorder.set_status(200);
        recorder.begin_stream();
        // Bytes that the client has sent ahead are ignored from now on.
        shared.input.clear();
        self.take_seat(reader.reader(), key, shared);
        let preamble = reader.begin(shared.now);
        self.state = ConnectionState::Stream(Box::new(OpenStream {
            recorder,
            reader,
            unwritten: None,
            is_last: false,
            is_probe_due: false,
        }));
        let mut head = Vec::with_capacity(256);
        write_stream_head(&mut head);
        let head = StreamOutput::head(head, &preamble, self.take_sent_ahead());
        match self.send(head, shared) {
            Ok(()) => None,
            Err(_) => Some(NextAction::Close),
        }
    }

    pub(super) fn advance_stream(&mut self, key: u32, shared: &mut ReactorContext) -> StepOutcome {
        let input = self.ignore_input(shared);
        if matches!(input, IgnoredInput::Left) {
            return Some(NextAction::Close);
        }
        let wait = |due| match input {
            IgnoredInput::Pending => Some(NextAction::Yield),
            IgnoredInput::None | IgnoredInput::Left => Some(NextAction::Wait(due)),
        };
        let mut waits = ReactorWaits {
            now: shared.now,
            due: None,
        };
        for _ in 0..CHUNKS_A_TURN {
            let ConnectionState::Stream(stream) = &mut self.state else {
                return None;
            };
            if let Some(output) = &mut stream.unwritten {
                match output.write(&mut self.socket, &mut shared.output) {
                    Err(_) => return Some(NextAction::Close),
                    Ok(WriteProgress::Blocked) => return wait(None),
                    Ok(WriteProgress::Done) => stream.unwritten = None,
                }
                // Reports the written bytes to the trace.
                self.socket.meter.record_flushed();
                if stream.is_last {
                    self.socket.shutdown();
                    return Some(NextAction::Close);
                }
            }
            if std::mem::take(&mut stream.is_probe_due) {
                let probe = StreamOutput::chunk(sse::EMPTY_COMMENT);
                stream.unwritten = Some(Box::new(probe));
                continue;
            }
            let waker = self.waker.as_deref().unwrap_or(Waker::noop());
            let next = stream
                .reader
                .poll_chunk(&mut waits, &mut Context::from_waker(waker));
            let output = match next {
                Poll::Ready(Some(chunk)) => {
                    chunk.record(&stream.recorder);
                    StreamOutput::chunk(chunk.bytes)
                }
                Poll::Ready(None) => {
                    stream.is_last = true;
                    StreamOutput::end()
                }
                Poll::Pending if self.has_registered_wakers(shared) => return wait(waits.due),
                Poll::Pending => {
                    self.register_wakers(key, shared);
                    continue;
                }
            };
            if self.send(output, shared).is_err() {
                return Some(NextAction::Close);
            }
        }
        Some(NextAction::Yield)
    }

    /// Writes a chunk of the stream. The socket nearly always takes it at once, so that it is never stored.
    fn send(&mut self, mut output: StreamOutput, shared: &mut ReactorContext) -> io::Result<()> {
        let progress = output.write(&mut self.socket, &mut shared.output)?;
        let ConnectionState::Stream(stream) = &mut self.state else {
            return Ok(());
        };
        if progress == WriteProgress::Done && !stream.is_last {
            self.socket.meter.record_flushed();
        } else {
            stream.unwritten = Some(Box::new(output));
        }
        Ok(())
    }

    /// Whether everything that can wake a waiting stream is registered.
    fn has_registered_wakers(&self, shared: &ReactorContext) -> bool {
        let ConnectionState::Stream(stream) = &self.state else {
            return true;
        };
        let is_seated = self
            .seat
            .is_some_and(|seat| shared.rooms.is_in(seat, stream.reader.reader()));
        is_seated && (self.waker.is_some() || !stream.reader.awaits_wake())
    }

    /// Registers a waiting stream with everything that must wake it. Its reader must be polled again afterwards, as
    /// something may have come before.
    fn register_wakers(&mut self, key: u32, shared: &mut ReactorContext) {
        let room = match &self.state {
            ConnectionState::Stream(stream) => stream.reader.reader().clone(),
            _ => return,
        };
        self.take_seat(&room, key, shared);
        self.waker(key, shared);
    }

    /// Reads and ignores what the client sends to a stream.
    fn ignore_input(&mut self, shared: &ReactorContext) -> IgnoredInput {
        let mut ignored = [0; 256];
        for _ in 0..READS_A_TURN {
            if self.half_closed.is_some() {
                break;
            }
            match self.socket.read(&mut ignored) {
                ReadOutcome::Bytes(_) => continue,
                ReadOutcome::Ended => {
                    self.half_closed = Some(Box::new(HalfClosedClient {
                        probe_at: shared.now,
                        sent_ahead: 0,
                    }));
                    if let ConnectionState::Stream(stream) = &mut self.state {
                        stream.is_probe_due = true;
                    }
                }
                ReadOutcome::Failed => return IgnoredInput::Left,
                ReadOutcome::Blocked => return IgnoredInput::None,
            }
        }
        match self.half_closed {
            None => IgnoredInput::Pending,
            Some(_) if self.socket.is_reset() => IgnoredInput::Left,
            Some(_) => IgnoredInput::None,
        }
    }
}

/// The input of a connection with a stream.
enum IgnoredInput {
    None,
    /// There may be more.
    Pending,
    /// The client has left.
    Left,
}

/// What wakes a stream in the reactor: the notifications of its room, and the reactor's timer.
struct ReactorWaits {
    now: Instant,
    /// The earliest requested moment.
    due: Option<Instant>,
}

impl ReaderWaits<RoomReader> for ReactorWaits {
    fn now(&self) -> Instant {
        self.now
    }

    fn poll_batch(
        &mut self,
        room: &RoomReader,
        id: u64,
        _: &mut Context<'_>,
    ) -> TailLookup<FrameBatch> {
        room.batch_after(id)
    }

    fn poll_until(&mut self, at: Instant) -> Poll<()> {
        if at <= self.now {
            return Poll::Ready(());
        }
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
        Poll::Pending
    }
}
