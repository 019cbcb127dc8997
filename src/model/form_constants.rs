//! The measured CPU and memory of each wire form.

use serde::{Deserialize, Serialize};

use crate::{Protocol, WireForm};

/// The CPU, in microseconds, and the memory that a form takes more than bare requests over HTTP/1.1 without TLS.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct FormConstants {
    /// A poll or a long-poll.
    pub request_us: f64,
    /// Waking up for a request, as a share of what it costs anyway.
    pub wake_share: f64,
    /// Taking in a message that comes long after the last one.
    pub publish_cold_us: f64,
    /// A message or a keep-alive on a stream.
    pub event_us: f64,
    /// Opening a connection: for TLS, with a handshake that resumes a session.
    pub connect_us: f64,
    /// Each KiB of a request's head beyond those of a bare one, before HPACK.
    pub head_kib_us: f64,
    /// Memory of a connection.
    pub client_bytes: f64,
}

/// One value for each form.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PerForm<T> {
    pub http1: T,
    pub http1_tls: T,
    pub h2: T,
    pub h2_tls: T,
}

impl<T> PerForm<T> {
    pub fn get(&self, form: WireForm) -> &T {
        match (form.protocol, form.tls) {
            (Protocol::Http1, false) => &self.http1,
            (Protocol::Http1, true) => &self.http1_tls,
            (Protocol::Http2, false) => &self.h2,
            (Protocol::Http2, true) => &self.h2_tls,
        }
    }

    pub fn get_mut(&mut self, form: WireForm) -> &mut T {
        match (form.protocol, form.tls) {
            (Protocol::Http1, false) => &mut self.http1,
            (Protocol::Http1, true) => &mut self.http1_tls,
            (Protocol::Http2, false) => &mut self.h2,
            (Protocol::Http2, true) => &mut self.h2_tls,
        }
    }

    /// By their names in the model file.
    pub(crate) fn named(&self) -> [(&'static str, &T); 4] {
        [
            ("http1", &self.http1),
            ("http1-tls", &self.http1_tls),
            ("h2", &self.h2),
            ("h2-tls", &self.h2_tls),
        ]
    }
}

impl FormConstants {
    pub(crate) fn named(&self) -> [(&'static str, f64); 7] {
        [
            ("request_us", self.request_us),
            ("wake_share", self.wake_share),
            ("publish_cold_us", self.publish_cold_us),
            ("event_us", self.event_us),
            ("connect_us", self.connect_us),
            ("head_kib_us", self.head_kib_us),
            ("client_bytes", self.client_bytes),
        ]
    }
}
