//! What a reader gets, independent of the code that carries it: one read of the log ([`poll`]), or a read in a loop
//! ([`stream_reader`]). Both start by the same rule ([`read_query`]) and leave by the same rule ([`drain`]). Neither
//! decides how to wait ([`waits`]): a reader may have its own task, or a reactor may serve many readers. `http` or
//! the accelerator writes the result to a connection.

pub mod drain;
pub mod event_stream;
pub mod link_emulator;
mod page_allowance;
pub mod poll;
pub mod poll_cache;
pub mod poll_response;
mod presence_events;
pub mod problem;
pub mod read_query;
pub mod sse;
pub mod stream_reader;
pub mod waits;

use std::sync::Arc;

use self::{drain::Drain, poll_cache::PollCache, read_query::ReadQuery};
use crate::{
    log::{Log, Start},
    presence::Presence,
};

/// The data that all readers are served from.
pub struct Delivery {
    pub log: Arc<Log>,
    pub presence: Arc<Presence>,
    /// Whether readers must leave, and when.
    pub drain: Arc<Drain>,
    /// `None`: caches may not share answers to polls.
    pub poll_cache: Option<PollCache>,
}

impl Delivery {
    /// Whether a cache may share the answer to a poll with this query.
    pub fn shares_poll(&self, query: &ReadQuery) -> bool {
        // The answer to a position after the end of the log changes with the next message.
        let is_ahead = || matches!(query.start, Start::After(cursor) if self.log.is_ahead(cursor));
        self.poll_cache.is_some() && PollCache::shares(query) && !is_ahead()
    }

    /// The data for readers of `log`, without any present readers yet.
    pub fn new(log: Arc<Log>) -> Self {
        Self {
            log,
            presence: Arc::new(Presence::new(sse::presence)),
            drain: Arc::new(Drain::default()),
            poll_cache: None,
        }
    }
}
