//! A stream that a task drives, as a body of HTTP is.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::Stream;

use super::{
    Delivery,
    read_query::ReadQuery,
    stream_reader::{EventChunk, StreamReader},
    waits::TaskWaits,
};
use crate::log::store::StoreUnavailable;

pub struct EventStream {
    reader: StreamReader,
    waits: TaskWaits,
}

impl Delivery {
    /// Opens the stream that `query` asks for, on the connection with this id.
    pub async fn stream(
        &self,
        query: &ReadQuery,
        connection: u64,
    ) -> Result<EventStream, StoreUnavailable> {
        let reader = self.open_stream(query, connection).await?;
        let waits = TaskWaits::new(reader.room().clone());
        Ok(EventStream { reader, waits })
    }
}

impl Stream for EventStream {
    type Item = EventChunk;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<EventChunk>> {
        let Self { reader, waits } = &mut *self;
        loop {
            waits.begin();
            let next = reader.poll_chunk(waits, cx);
            if next.is_ready() || !waits.poll_timer(cx) {
                return next;
            }
        }
    }
}
