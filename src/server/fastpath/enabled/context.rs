//! Data that the connections of one reactor share: the delivery data, and buffers that each connection uses during
//! its turn.

use std::{rc::Rc, sync::Arc, time::Duration};

use bytes::BytesMut;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{rooms::WaitingRooms, signals::Signals};
use crate::{delivery::Delivery, fastpath::PollGate, limits::refusals::RefusalCounters};

pub struct ReactorContext {
    pub gate: Option<Rc<dyn PollGate>>,
    pub trusts_proxies: bool,
    pub delivery: Arc<Delivery>,
    /// Cancelled when connections that wait for a request must close.
    pub stopping: CancellationToken,
    pub keep_alive: Duration,
    pub refusals: Arc<RefusalCounters>,
    pub signals: Arc<Signals>,
    pub rooms: WaitingRooms,
    /// When this turn began.
    pub now: Instant,
    pub input: BytesMut,
    pub output: Vec<u8>,
}

impl ReactorContext {
    pub fn is_stopping(&self) -> bool {
        self.stopping.is_cancelled()
    }

    /// Whether the present answer is the connection's last, because the server is stopping.
    pub fn must_close(&self, connection: u64) -> bool {
        self.is_stopping() || self.delivery.drain.is_due(connection)
    }
}
