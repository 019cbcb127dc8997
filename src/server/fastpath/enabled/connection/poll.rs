//! A poll on a connection: reading, waiting and answering.

use std::task::{Context, Poll};

use super::{
    ConnectionState, FastConnection, NextAction, PollInProgress, PollStage, StepOutcome,
    UnwrittenAnswer,
};
use crate::{
    delivery::{
        poll::{PollResult, PollStep},
        poll_response::PollBody,
        problem::Problem,
    },
    fastpath::enabled::{
        context::ReactorContext,
        output::{WriteProgress, write_answer},
        response::{write_poll, write_problem},
    },
    ledger::request_recorder::RequestRecorder,
};

impl FastConnection {
    pub(super) fn advance_poll(&mut self, key: u32, shared: &mut ReactorContext) -> StepOutcome {
        let ConnectionState::Poll(poll) = std::mem::replace(&mut self.state, ConnectionState::Idle)
        else {
            return None;
        };
        let PollInProgress { recorder, stage } = *poll;
        let read = match stage {
            PollStage::Waiting(waiting) if waiting.has_newer() => waiting.read_again(),
            PollStage::Waiting(waiting) => {
                let until = waiting.until();
                if until <= shared.now {
                    self.leave_room(shared);
                    return self.answer_poll(waiting.finish(), recorder, shared);
                }
                let stage = PollStage::Waiting(waiting);
                self.state = ConnectionState::Poll(Box::new(PollInProgress { recorder, stage }));
                return self.wait_unless_left(Some(until), shared);
            }
            PollStage::Reading(read) => read,
        };
        let mut read = read;
        let waker = self.waker(key, shared);
        let polled = read.as_mut().poll(&mut Context::from_waker(&waker));
        let stage = match polled {
            Poll::Pending => {
                let stage = PollStage::Reading(read);
                self.state = ConnectionState::Poll(Box::new(PollInProgress { recorder, stage }));
                return self.wait_unless_left(None, shared);
            }
            Poll::Ready(PollStep::Answer(result)) => {
                self.waker = None;
                self.leave_room(shared);
                return self.answer_poll(result, recorder, shared);
            }
            Poll::Ready(PollStep::Wait(waiting)) => {
                self.waker = None;
                self.take_seat(waiting.reader(), key, shared);
                PollStage::Waiting(waiting)
            }
        };
        self.state = ConnectionState::Poll(Box::new(PollInProgress { recorder, stage }));
        None
    }

    pub(super) fn answer_poll(
        &mut self,
        result: PollResult,
        recorder: RequestRecorder,
        shared: &mut ReactorContext,
    ) -> StepOutcome {
        let response = match result {
            Ok(response) => response,
            Err(unavailable) => {
                return self.answer_problem(&unavailable.into(), recorder, shared);
            }
        };
        recorder.set_status(if response.page.is_some() { 200 } else { 304 });
        response.record(&recorder);
        let close = shared.must_close(self.id);
        shared.output.clear();
        let rest = write_poll(response, close, &mut shared.output);
        self.answer(rest, close, recorder, shared)
    }

    pub(super) fn answer_problem(
        &mut self,
        problem: &Problem,
        recorder: RequestRecorder,
        shared: &mut ReactorContext,
    ) -> StepOutcome {
        recorder.set_status(problem.status().as_u16());
        let close = shared.must_close(self.id);
        shared.output.clear();
        write_problem(problem, close, &mut shared.output);
        self.answer(PollBody::default(), close, recorder, shared)
    }

    /// Writes the answer that begins in `shared.output`.
    fn answer(
        &mut self,
        mut rest: PollBody,
        close: bool,
        recorder: RequestRecorder,
        shared: &mut ReactorContext,
    ) -> StepOutcome {
        // An answer begins with more bytes than are ever sent ahead.
        shared.output.drain(..self.take_sent_ahead());
        match write_answer(&mut self.socket, &mut shared.output, &mut rest) {
            Err(_) => Some(NextAction::Close),
            Ok(WriteProgress::Done) => self.finish_answer(close, recorder),
            Ok(WriteProgress::Blocked) => {
                self.state = ConnectionState::Answering(Box::new(UnwrittenAnswer {
                    recorder,
                    output: shared.output.clone(),
                    rest,
                    close,
                }));
                Some(NextAction::Wait(None))
            }
        }
    }

    pub(super) fn continue_answer(&mut self, _: &mut ReactorContext) -> StepOutcome {
        let ConnectionState::Answering(answer) = &mut self.state else {
            return None;
        };
        match write_answer(&mut self.socket, &mut answer.output, &mut answer.rest) {
            Err(_) => Some(NextAction::Close),
            Ok(WriteProgress::Blocked) => Some(NextAction::Wait(None)),
            Ok(WriteProgress::Done) => {
                let state = std::mem::replace(&mut self.state, ConnectionState::Idle);
                let ConnectionState::Answering(answer) = state else {
                    return None;
                };
                self.finish_answer(answer.close, answer.recorder)
            }
        }
    }

    fn finish_answer(&mut self, close: bool, recorder: RequestRecorder) -> StepOutcome {
        // The answer is complete, so later bytes on the connection do not belong to the request.
        drop(recorder);
        self.socket.meter.record_flushed();
        self.is_active = true;
        self.limits.on_response();
        close.then_some(NextAction::Close)
    }
}
