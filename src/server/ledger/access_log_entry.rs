//! The content of a request's log line, in whatever format it is written.

use std::time::Duration;

use super::counters::Account;
use crate::domain::{client_label::ClientLabel, room_set::RoomSet};

/// The point in an answer's life at which its line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestPhase {
    /// The answer is complete.
    Answered,
    /// A stream began.
    Opened,
    /// A stream ended.
    Closed,
}

/// The fields of a request's line.
#[derive(Debug)]
pub struct AccessLogEntry {
    pub phase: RequestPhase,
    pub account: Account,
    /// `None` if the request was refused before its rooms were known.
    pub rooms: Option<RoomSet>,
    pub client: Option<ClientLabel>,
    /// 499 if it was not answered.
    pub status: u16,
    pub messages: u64,
    pub wire_bytes_in: u64,
    pub wire_bytes_out: u64,
    pub duration: Duration,
}
