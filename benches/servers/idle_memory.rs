//! Idle memory: the memory of an idle SSE subscriber in the server's process, as the growth of its proportional set
//! size. Kernel memory (sockets, their buffers) is not included.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use super::Plan;
use super::fanout::OURS;
use super::http::{self, Connection};
use super::servers::OwnServer;
use super::subscribers::Subscribers;
use super::usage;

const STREAM: &str = "/stream?room=lobby&last=0";

/// One server's memory at three moments.
#[derive(Debug, Serialize)]
pub struct IdleMemory {
    pub workers: usize,
    /// Whether the accelerator served the streams.
    pub fast_path: bool,
    pub subscribers: usize,
    pub pss_before_kib: u64,
    pub pss_idle_kib: u64,
    pub pss_after_message_kib: u64,
}

impl IdleMemory {
    /// KiB per subscriber that has received only the head of its answer.
    pub fn idle_kib(&self) -> f64 {
        self.per_subscriber(self.pss_idle_kib)
    }

    /// KiB per subscriber that is idle again after one message.
    pub fn after_message_kib(&self) -> f64 {
        self.per_subscriber(self.pss_after_message_kib)
    }

    fn per_subscriber(&self, pss_kib: u64) -> f64 {
        (pss_kib as f64 - self.pss_before_kib as f64) / self.subscribers as f64
    }
}

/// Measures a fresh server with `workers` threads.
pub fn run(plan: &Plan, binary: &Path, workers: usize, fast_path: bool) -> Result<IdleMemory> {
    let ours = OwnServer {
        workers,
        fast_path,
        ..OwnServer::default()
    };
    let ours = ours.start(OURS, binary, plan.server_core)?;
    let pids = ours.process.pids();
    let pss_before_kib = usage::settled_pss_kib(&pids)?;
    let mut subscribers = Subscribers::open(ours.address, STREAM, plan.idle_subscribers, plan.spin)
        .context("subscribe")?;
    let pss_idle_kib = usage::settled_pss_kib(&pids)?;
    subscribers.drain()?;

    let tag = "idle-memory";
    let body = format!(r#"{{"room":"lobby","author":"mina","text":"{tag}"}}"#);
    let answer = Connection::open(ours.address)?.ask(&http::post(
        "/messages",
        "application/json",
        body.as_bytes(),
    ))?;
    ensure!(answer.status == 201, "publish: status {}", answer.status);
    // Checks that no subscriber was disconnected: each receives the message.
    subscribers.receive(tag.as_bytes())?;
    let pss_after_message_kib = usage::settled_pss_kib(&pids)?;
    Ok(IdleMemory {
        workers,
        fast_path,
        subscribers: subscribers.len(),
        pss_before_kib,
        pss_idle_kib,
        pss_after_message_kib,
    })
}
