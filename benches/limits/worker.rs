//! Worker processes of this executable. They read requests as lines of JSON from standard input, and write each reply
//! as a line to standard output.

use std::io::{BufRead as _, BufReader, Write as _};
use std::marker::PhantomData;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, anyhow};
use serde::{Serialize, de::DeserializeOwned};

use super::process;

/// A process that executes requests. It ends when its input ends, which dropping this causes.
pub struct Worker<Request, Reply> {
    child: Child,
    requests: ChildStdin,
    replies: BufReader<ChildStdout>,
    protocol: PhantomData<fn(Request) -> Reply>,
}

impl<Request: Serialize, Reply: DeserializeOwned> Worker<Request, Reply> {
    /// Starts this executable with these arguments, on `core`.
    pub fn start(arguments: &[&str], core: Option<usize>) -> Result<Self> {
        let program = std::env::current_exe().context("find this executable")?;
        let mut command = Command::new(program);
        command.args(arguments);
        process::exit_with_parent(&mut command, core);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("start a worker")?;
        Ok(Self {
            requests: child.stdin.take().context("its input")?,
            replies: BufReader::new(child.stdout.take().context("its output")?),
            child,
            protocol: PhantomData,
        })
    }

    pub fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }

    pub fn send(&mut self, request: &Request) -> Result<()> {
        writeln!(self.requests, "{}", serde_json::to_string(request)?).context("write to a worker")
    }

    /// Waits for the reply to the last request.
    pub fn receive(&mut self) -> Result<Reply> {
        let mut line = String::new();
        self.replies
            .read_line(&mut line)
            .context("read from a worker")?;
        let outcome: Result<Reply, String> =
            serde_json::from_str(&line).context("a worker has ended")?;
        outcome.map_err(|failure| anyhow!("a worker: {failure}"))
    }

    pub fn ask(&mut self, request: &Request) -> Result<Reply> {
        self.send(request)?;
        self.receive()
    }
}

impl<Request, Reply> Drop for Worker<Request, Reply> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Executes requests until the input ends.
pub fn serve<Request: DeserializeOwned, Reply: Serialize>(
    mut execute: impl FnMut(Request) -> Result<Reply>,
) -> Result<()> {
    for line in std::io::stdin().lock().lines() {
        let request = serde_json::from_str(&line?)?;
        let outcome = execute(request).map_err(|error| format!("{error:#}"));
        println!("{}", serde_json::to_string(&outcome)?);
        std::io::stdout().flush()?;
    }
    Ok(())
}
