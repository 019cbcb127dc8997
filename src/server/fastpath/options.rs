//! The accelerator's input and output: the options it gets, and the connections it takes and hands forward.

use std::{net::IpAddr, rc::Rc, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::{
    delivery::{Delivery, read_query::ReadQuery},
    ledger::{access_log::EventLog, connection_meter::ConnectionMeter},
    limits::{connections::ConnectionPermit, refusals::RefusalCounters},
};

/// The options of a worker's accelerator.
#[derive(Clone)]
#[cfg_attr(
    not(feature = "fast-path"),
    expect(
        dead_code,
        reason = "without the accelerator there is only something to hand forward"
    )
)]
pub struct AcceleratorOptions {
    pub is_on: bool,
    /// Checks each poll first; streams then go to HTTP. `None`: everyone may read.
    pub gate: Option<Rc<dyn PollGate>>,
    /// Whether the address of a client may be in the head of its request.
    pub trusts_proxies: bool,
    pub delivery: Arc<Delivery>,
    /// Cancelled when connections that wait for a request must close.
    pub stopping: CancellationToken,
    pub keep_alive: Duration,
    pub events: EventLog,
    pub refusals: Arc<RefusalCounters>,
    /// Takes each connection that goes forward.
    pub forward: Rc<dyn Fn(ForwardedConnection)>,
}

/// Decides who may poll, and how often.
#[cfg_attr(
    not(feature = "fast-path"),
    expect(dead_code, reason = "only the accelerator asks")
)]
pub trait PollGate {
    /// Admits a poll and returns the longest time that it may wait. `None`: HTTP must check the request, and perhaps
    /// refuse it. `authorization` is the request's field of that name; `peer` is called only if the address matters.
    fn admit(
        &self,
        query: &ReadQuery,
        authorization: Option<&str>,
        peer: &dyn Fn() -> Option<IpAddr>,
    ) -> Option<Duration>;
}

/// A new connection.
pub struct AcceptedConnection {
    pub tcp: TcpStream,
    pub meter: ConnectionMeter,
    pub permit: Option<ConnectionPermit>,
}

/// A connection that HTTP takes over.
pub struct ForwardedConnection {
    pub tcp: TcpStream,
    /// The bytes already read from it.
    pub input: Bytes,
    pub id: u64,
    pub meter: ConnectionMeter,
    pub permit: Option<ConnectionPermit>,
}

impl AcceptedConnection {
    /// The connection for HTTP, before any byte was read.
    pub fn forward(self, id: u64) -> ForwardedConnection {
        ForwardedConnection {
            tcp: self.tcp,
            input: Bytes::new(),
            id,
            meter: self.meter,
            permit: self.permit,
        }
    }
}
