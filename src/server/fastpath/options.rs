//! What the accelerator is given, and what it hands forward.

use std::{net::IpAddr, rc::Rc, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::{
    delivery::{Delivery, read_query::ReadQuery},
    ledger::{access_log::EventLog, connection_meter::ConnectionMeter},
    limits::{connections::ConnectionPermit, refusals::RefusalCounters},
};

/// What the accelerator of a worker serves with.
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
    /// What looks at each poll first; streams are HTTP's then. `None`: everyone may read.
    pub gate: Option<Rc<dyn PollGate>>,
    pub delivery: Arc<Delivery>,
    /// Connections that wait for a request must close.
    pub stopping: CancellationToken,
    pub keep_alive: Duration,
    pub events: EventLog,
    pub refusals: Arc<RefusalCounters>,
    /// Takes each connection that goes forward.
    pub forward: Rc<dyn Fn(ForwardedConnection)>,
}

/// Who may poll, and how often.
#[cfg_attr(
    not(feature = "fast-path"),
    expect(dead_code, reason = "only the accelerator asks")
)]
pub trait PollGate {
    /// Lets a poll in, for that long at the most. `None`: HTTP looks at it, and refuses it if it must.
    /// `peer` is asked only if it matters; `bearer` is the token in the request's head.
    fn admit(
        &self,
        query: &ReadQuery,
        bearer: Option<&str>,
        peer: &dyn Fn() -> Option<IpAddr>,
    ) -> Option<Duration>;
}

/// A new connection.
pub struct AcceptedConnection {
    pub tcp: TcpStream,
    pub meter: ConnectionMeter,
    pub permit: Option<ConnectionPermit>,
}

/// A connection that HTTP must go on with.
pub struct ForwardedConnection {
    pub tcp: TcpStream,
    /// What was read from it already.
    pub input: Bytes,
    pub id: u64,
    pub meter: ConnectionMeter,
    pub permit: Option<ConnectionPermit>,
}

impl AcceptedConnection {
    /// The connection as HTTP gets it before anything was read.
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
