//! No accelerator: every connection goes forward to HTTP.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use crate::{
    delivery::Delivery, ledger::connection_meter::ConnectionMeter,
    net::connection::ConnectionHandle,
};

pub struct FastPath;

impl FastPath {
    pub fn new(_: bool, _: Arc<Delivery>, _: CancellationToken, _: Duration) -> Self {
        Self
    }

    pub async fn serve<Io>(
        &self,
        io: Io,
        _: &ConnectionHandle,
        _: &ConnectionMeter,
    ) -> Option<(Io, Bytes)> {
        Some((io, Bytes::new()))
    }
}
