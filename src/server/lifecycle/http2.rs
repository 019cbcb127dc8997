//! HTTP/2 connections: connects the dispatcher to the ledger and to the handles that may abort a stream.

use std::{rc::Rc, sync::Arc, time::Duration};

use actix_http::{HttpMessage as _, Request, Response, body::BoxBody};
use actix_service::Service;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

use super::incoming::IncomingConnection;
use crate::{
    http2::{
        dispatcher::{ConnectionHost, Timeouts, serve},
        tap::{Overhead, StreamCounter},
    },
    ledger::{
        connection_meter::{ConnectionMeter, RequestBytes},
        request_recorder::RequestRecorder,
    },
    limits::refusals::{RefusalCounters, RefusalReason},
    net::connection::ConnectionHandle,
};

/// Serves the HTTP/2 connections of a worker.
pub struct Http2Server<S> {
    /// The application, the same as for HTTP/1.1.
    pub service: S,
    pub stall_timeout: Duration,
    pub keep_alive: Duration,
    pub refusals: Arc<RefusalCounters>,
    /// Cancelled when readers must leave: connections get GOAWAY.
    pub draining: CancellationToken,
}

impl<S> Http2Server<S> {
    /// Serves the connection of `incoming` to its end. `overhead` is what TLS adds, if there is TLS.
    pub async fn serve(
        &self,
        io: impl AsyncRead + AsyncWrite + Unpin,
        overhead: Option<Overhead>,
        meter: ConnectionMeter,
        incoming: &IncomingConnection,
    ) where
        S: Service<Request, Response = Response<BoxBody>>,
        S::Error: Into<Response<BoxBody>>,
    {
        let timeouts = Timeouts {
            keep_alive: self.keep_alive,
            stall: self.stall_timeout,
        };
        let host = MeteredHost {
            meter,
            refusal: incoming.refusal,
            refusals: self.refusals.clone(),
        };
        let draining = self.draining.cancelled();
        let served = serve(
            io,
            overhead,
            incoming.peer,
            &self.service,
            &host,
            timeouts,
            draining,
        );
        // A client's protocol error ends its connection, and is not logged.
        let _ = served.await;
    }
}

struct MeteredHost {
    meter: ConnectionMeter,
    refusal: Option<RefusalReason>,
    refusals: Arc<RefusalCounters>,
}

impl ConnectionHost for MeteredHost {
    fn refusals(&self) -> &Arc<RefusalCounters> {
        &self.refusals
    }

    fn begin(&self, request: &mut Request) -> (Rc<dyn StreamCounter>, ConnectionHandle) {
        let (recorder, bytes) = RequestRecorder::begin_among_others(&self.meter);
        let handle = ConnectionHandle::with_refusal(self.refusal);
        request.extensions_mut().insert(recorder);
        request.extensions_mut().insert(handle.clone());
        let meter = self.meter.clone();
        (Rc::new(MeteredStream { meter, bytes }), handle)
    }
}

/// Charges a stream's bytes to its request.
struct MeteredStream {
    meter: ConnectionMeter,
    bytes: RequestBytes,
}

impl StreamCounter for MeteredStream {
    fn received(&self, bytes: u64) {
        self.bytes.charge_read(&self.meter, bytes);
    }

    fn sent(&self, bytes: u64) {
        self.bytes.charge_written(&self.meter, bytes);
    }

    fn ended(&self) {
        self.bytes.end(&self.meter);
    }
}

impl Drop for MeteredStream {
    fn drop(&mut self) {
        // The connection ended before the stream did.
        self.bytes.end(&self.meter);
    }
}
