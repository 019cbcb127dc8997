//! A stack as a process: started in its own directory, polled until it is ready, and ended with all its children.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use poll_vs_sse_instrument::{ChildProcess, remove_settings};
use tempfile::TempDir;

use super::dialect::Dialect;
use super::harness::servers::free_addresses;
use super::http::{self, Connection};
use super::process;
use super::publisher::Publisher;
use super::reader::Reader;
use super::report::stacks::catalog::{self, Runtime, Stack};
use super::usage;

/// The longest time until a stack answers, even on a busy machine: Rails is slow to load.
const START_TIMEOUT: Duration = Duration::from_secs(90);
const RETRY_DELAY: Duration = Duration::from_millis(20);

/// The address of a server, and its dialect.
#[derive(Debug, Clone, Copy)]
pub struct Endpoint {
    pub address: SocketAddr,
    pub dialect: Dialect,
}

/// A running server. Dropping this value ends it.
pub struct RunningStack {
    pub process: ChildProcess,
    pub endpoint: Endpoint,
    /// The server's files, deleted after it has ended.
    _data: TempDir,
}

/// Why a stack cannot run and how to install it, or `None` if it is installed.
pub fn missing(root: &Path, stack: &Stack) -> Result<Option<String>> {
    if stack.runtime == Runtime::Own {
        return Ok(None);
    }
    let mut install = Command::new(catalog::directory(root).join("install"));
    let output = install.args(["--check", stack.folder()]).output();
    let output = output.context("run benches/stacks/install --check")?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    Ok((!output.status.success()).then_some(text))
}

impl Drop for RunningStack {
    /// Kills the server: most stacks wait for their open streams on SIGTERM. `holding` measures how long.
    fn drop(&mut self) {
        self.process.kill();
    }
}

impl RunningStack {
    /// Starts the stack on `core`. `own` is the binary of this project's server.
    pub fn start(root: &Path, stack: &Stack, own: &Path, core: Option<usize>) -> Result<Self> {
        let data = TempDir::new().context("a directory for the server's files")?;
        let [address, second, third] = free_addresses()?;
        let mut command = match stack.runtime {
            Runtime::Own => own_server(own, address),
            _ => Command::new(catalog::directory(root).join(stack.folder()).join("start")),
        };
        command
            .args(&stack.start)
            .env("PORT", address.port().to_string())
            .env("PORT2", second.port().to_string())
            .env("PORT3", third.port().to_string())
            .env("STACK_DATA", data.path());
        let running = Self {
            process: process::start(&stack.name, command, core)?,
            endpoint: Endpoint {
                address,
                dialect: Dialect::from_stack(stack),
            },
            _data: data,
        };
        running.wait_ready()?;
        for request in running.endpoint.dialect.prepare() {
            let answer = Connection::open(address)?.ask(&request)?;
            ensure!(
                answer.status / 100 == 2,
                "prepare: status {}",
                answer.status
            );
        }
        Ok(running)
    }

    fn wait_ready(&self) -> Result<()> {
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            let error = match self.check_ready() {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            let name = &self.process.name;
            if self.process.has_ended() {
                bail!("{name} ended at once:\n{}", self.process.last_output());
            }
            if Instant::now() > deadline {
                return Err(error.context(format!("{name} does not answer")));
            }
            std::thread::sleep(RETRY_DELAY);
        }
    }

    fn check_ready(&self) -> Result<()> {
        let mut connection =
            Connection::open_within(self.endpoint.address, Duration::from_secs(5))?;
        if let Some(path) = self.endpoint.dialect.readiness() {
            let answer = connection.ask(&http::get(path))?;
            ensure!(answer.status == 200, "status {}", answer.status);
        }
        if self.endpoint.dialect == Dialect::Pushpin {
            self.check_delivery()?;
        }
        Ok(())
    }

    /// Fails unless a message is delivered. Pushpin's processes connect to each other after it has begun to answer, and
    /// messages before that are lost.
    fn check_delivery(&self) -> Result<()> {
        let Endpoint { address, dialect } = self.endpoint;
        let mut stream = Reader::open(address, &dialect.stream("ready"), None)?;
        Publisher::new(self.endpoint).publish("ready", "ready")?;
        stream
            .wait_events(Instant::now() + Duration::from_secs(1))
            .map(drop)
    }

    pub fn pids(&self) -> Vec<i32> {
        self.process.pids()
    }

    pub fn memory_kib(&self) -> Result<u64> {
        usage::settled_pss_kib(&self.pids())
    }
}

fn own_server(binary: &Path, address: SocketAddr) -> Command {
    let mut command = Command::new(binary);
    remove_settings(&mut command);
    command.args(["serve", "--bind", &address.to_string(), "--store", "memory"]);
    command.args(["--workers", "1", "--request-log", "off"]);
    command
}
