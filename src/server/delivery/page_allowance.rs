//! How large a poll's answer may be.
//!
//! An answer stays in memory until its client has taken it, and clients stall. So only some polls at a time may have a
//! large answer; the others get fewer messages, and the rest with their next poll.

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::presence::MAX_LISTED;

/// The most bytes of messages in an answer; if there are further messages, `more` is true.
const LARGE_BYTES: usize = poll_vs_sse_model::server_limits::PAGE_BYTES;
/// The same while many clients have not taken their large answers.
const SMALL_BYTES: usize = 16 * 1024;
/// The most readers that an answer lists, over all of its rooms, while many clients have not taken their large answers.
/// Otherwise it is as many as for one room.
const SMALL_LISTED: usize = 20;
/// The most large answers in the process.
static LARGE_ANSWERS: Semaphore = Semaphore::const_new(64);

/// The size that an answer may have, for as long as the answer is in memory.
#[derive(Debug, Default)]
pub struct PageAllowance(Option<SemaphorePermit<'static>>);

impl PageAllowance {
    /// The allowance of an answer that is about to be made.
    pub fn take() -> Self {
        Self::take_of(&LARGE_ANSWERS)
    }

    /// The allowance of an answer without messages, which is large only if it lists readers.
    pub fn without_messages(lists_readers: bool) -> Self {
        match lists_readers {
            true => Self::take(),
            false => Self::default(),
        }
    }

    fn take_of(large_answers: &'static Semaphore) -> Self {
        Self(large_answers.try_acquire().ok())
    }

    /// The most bytes of messages.
    pub fn bytes(&self) -> usize {
        match self.0 {
            Some(_) => LARGE_BYTES,
            None => SMALL_BYTES,
        }
    }

    /// The most readers to list, over all rooms.
    pub fn listed(&self) -> usize {
        match self.0 {
            Some(_) => MAX_LISTED,
            None => SMALL_LISTED,
        }
    }

    /// The same allowance for an answer that has turned out to have this size. A small answer gives it back.
    pub fn for_bytes(self, bytes: usize) -> Self {
        Self(self.0.filter(|_| bytes > SMALL_BYTES))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_answers_are_bounded_and_small_ones_leave_their_allowance_to_others() {
        static TWO: Semaphore = Semaphore::const_new(2);
        let take = || PageAllowance::take_of(&TWO);
        let (first, second) = (take(), take());
        assert_eq!([first.bytes(), second.bytes()], [LARGE_BYTES; 2]);
        assert_eq!(
            (take().bytes(), take().listed()),
            (SMALL_BYTES, SMALL_LISTED)
        );
        let small = first.for_bytes(SMALL_BYTES);
        let third = take();
        assert_eq!((third.bytes(), third.listed()), (LARGE_BYTES, MAX_LISTED));
        let large = second.for_bytes(SMALL_BYTES + 1);
        assert_eq!(TWO.available_permits(), 0);
        drop((small, third, large));
        assert_eq!(TWO.available_permits(), 2);
    }
}
