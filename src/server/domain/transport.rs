//! The ways in and out of the log. The cost model has an enum of its own for the three ways out, which
//! it compares; publishing is none of them.

/// A way a client gets messages in or out of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    Poll,
    LongPoll,
    Stream,
    Publish,
}

impl Transport {
    pub const ALL: [Self; 4] = [Self::Poll, Self::LongPoll, Self::Stream, Self::Publish];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Poll => "poll",
            Self::LongPoll => "long-poll",
            Self::Stream => "stream",
            Self::Publish => "publish",
        }
    }
}
