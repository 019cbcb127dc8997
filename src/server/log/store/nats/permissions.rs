//! Checks all permissions that this server needs, before it listens: each operation is
//! performed once, so that NATS names the missing permission.

use std::time::Duration;

use async_nats::HeaderMap;
use bytes::Bytes;
use tokio::time::Instant;

use super::{
    client::{JetStreamClient, PublishError},
    follow,
    room_consumer::RoomConsumer,
};
use crate::{
    domain::{cursor::LogId, room::Room},
    log::store::StoreUnavailable,
};

/// How long NATS may take to refuse a message.
const PERMISSION_TIMEOUT: Duration = Duration::from_millis(1500);

impl JetStreamClient {
    /// Leaves neither a message nor a consumer behind.
    pub async fn check_permissions(&self, log: LogId, head: u64) -> Result<(), StoreUnavailable> {
        self.check_publish().await?;
        self.check_subscribe(head).await?;
        self.check_read(log, head).await?;
        self.refusal()
    }

    /// The test message is for a stream of another name, so it is refused before the nodes agree on it. If the nodes
    /// agreed on a message and then all refused it, NATS 2.9 could have trouble with the record of that agreement.
    async fn check_publish(&self) -> Result<(), StoreUnavailable> {
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Expected-Stream", "-");
        let subject = self.subject(&Room::default());
        self.forget_refusal();
        let until = Instant::now() + PERMISSION_TIMEOUT;
        match self.send(subject, headers, Bytes::new(), until).await {
            Err(PublishError::Timeout(_)) => Err(self.no_response()),
            _ => Ok(()),
        }
    }

    async fn check_subscribe(&self, head: u64) -> Result<(), StoreUnavailable> {
        self.forget_refusal();
        let consumer = follow::consumer(self, head + 1).await?;
        self.delete_consumer(consumer.cached_info()).await?;
        // The subject for answers to a consumer's flow control. A refusal comes before later answers.
        let stream = &self.config.name;
        let answer = format!("$JS.FC.{stream}.none");
        let sent = self.client.publish(answer, Bytes::new()).await;
        sent.map_err(|_| self.no_response())
    }

    async fn check_read(&self, log: LogId, head: u64) -> Result<(), StoreUnavailable> {
        let room = Room::default();
        self.newest(log, &room).await?;
        let source = RoomConsumer::open(self, &room, head + 1).await?;
        source.flush_pull(self).await?;
        self.delete_consumer(source.info()).await
    }
}
