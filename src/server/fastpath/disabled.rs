//! No accelerator: every connection goes forward to HTTP.

use super::{AcceleratorOptions, AcceptedConnection};
use crate::net::connection::next_connection_id;

pub struct FastPath(AcceleratorOptions);

impl FastPath {
    pub fn new(options: AcceleratorOptions) -> Self {
        Self(options)
    }

    pub fn serve(&self, accepted: AcceptedConnection) {
        (self.0.forward)(accepted.forward(next_connection_id()));
    }
}
