//! A stream that is driven by a task, as an HTTP body.

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
use crate::log::{LogReader, RoomReader, RoomSetReader, store::StoreUnavailable};

/// A stream of one room, as nearly all are, or of several rooms.
pub enum EventStream {
    Room(DrivenStream<RoomReader>),
    RoomSet(Box<DrivenStream<RoomSetReader>>),
}

pub struct DrivenStream<R: LogReader> {
    reader: StreamReader<R>,
    waits: TaskWaits<R>,
}

impl Delivery {
    /// Opens the stream that `query` asks for, on the connection with this id.
    pub async fn stream(
        &self,
        query: &ReadQuery,
        connection: u64,
    ) -> Result<EventStream, StoreUnavailable> {
        Ok(if query.rooms.is_single() {
            EventStream::Room(DrivenStream::open(self, query, connection).await?)
        } else {
            let stream = DrivenStream::open(self, query, connection).await?;
            EventStream::RoomSet(Box::new(stream))
        })
    }
}

impl<R: LogReader> DrivenStream<R> {
    async fn open(
        delivery: &Delivery,
        query: &ReadQuery,
        connection: u64,
    ) -> Result<Self, StoreUnavailable> {
        let reader = delivery.open_stream::<R>(query, connection).await?;
        let waits = TaskWaits::new(reader.reader().clone());
        Ok(Self { reader, waits })
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<EventChunk>> {
        let Self { reader, waits } = self;
        loop {
            waits.begin();
            let next = reader.poll_chunk(waits, cx);
            if next.is_ready() || !waits.poll_timer(cx) {
                return next;
            }
        }
    }
}

impl Stream for EventStream {
    type Item = EventChunk;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<EventChunk>> {
        match &mut *self {
            Self::Room(stream) => stream.poll_next(cx),
            Self::RoomSet(stream) => stream.poll_next(cx),
        }
    }
}
