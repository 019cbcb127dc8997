//! A server that gets empty polls without pause.

use anyhow::{Context, Result};

use super::pollers::Pollers;
use super::rounds::{Contender, Work};
use super::servers::RunningServer;

/// Kept-alive connections to the server.
pub const CONNECTIONS: usize = 64;
/// Requests of a slice, and those before it that are not counted.
pub const SLICE: u64 = 5000;
const WARM_UP: u64 = 500;

/// A server with its pollers.
pub struct PollingSide {
    name: String,
    server: RunningServer,
    pub pollers: Pollers,
}

impl PollingSide {
    pub fn open(name: &str, server: RunningServer, request: Vec<u8>, spin: bool) -> Result<Self> {
        let pollers = Pollers::open(server.address, request, CONNECTIONS, spin)
            .with_context(|| format!("poll {name}"))?;
        Ok(Self {
            name: name.to_owned(),
            server,
            pollers,
        })
    }
}

impl Contender for PollingSide {
    fn name(&self) -> &str {
        &self.name
    }

    fn pids(&self) -> Vec<i32> {
        self.server.process.pids()
    }

    fn warm_up(&mut self) -> Result<()> {
        self.pollers.poll(WARM_UP).map(drop)
    }

    fn work(&mut self, amount: u64) -> Result<Work> {
        let units = self.pollers.poll(amount)?;
        let wire_bytes = units * self.pollers.answer_bytes() as u64;
        Ok(Work { units, wire_bytes })
    }

    fn units_expected(&self, amount: u64) -> u64 {
        amount
    }
}
