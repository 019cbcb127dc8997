//! Further processes of this executable that are told what to do in lines of JSON on their standard input, and answer
//! each with another.

use std::io::{BufRead as _, BufReader, Write as _};
use std::marker::PhantomData;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, anyhow};
use serde::{Serialize, de::DeserializeOwned};

use super::process;

/// A process that follows orders. It ends with its input, and so with this value.
pub struct Worker<Order, Outcome> {
    child: Child,
    orders: ChildStdin,
    outcomes: BufReader<ChildStdout>,
    speaks: PhantomData<fn(Order) -> Outcome>,
}

impl<Order: Serialize, Outcome: DeserializeOwned> Worker<Order, Outcome> {
    /// Starts this executable with these arguments, on `core`.
    pub fn start(arguments: &[&str], core: Option<usize>) -> Result<Self> {
        let program = std::env::current_exe().context("find this executable")?;
        let mut command = Command::new(program);
        command.args(arguments);
        process::end_with_parent(&mut command, core);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("start a worker")?;
        Ok(Self {
            orders: child.stdin.take().context("its input")?,
            outcomes: BufReader::new(child.stdout.take().context("its output")?),
            child,
            speaks: PhantomData,
        })
    }

    pub fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }

    pub fn tell(&mut self, order: &Order) -> Result<()> {
        writeln!(self.orders, "{}", serde_json::to_string(order)?).context("tell a worker")
    }

    /// What came of the last order.
    pub fn hear(&mut self) -> Result<Outcome> {
        let mut line = String::new();
        self.outcomes
            .read_line(&mut line)
            .context("hear a worker")?;
        let outcome: Result<Outcome, String> =
            serde_json::from_str(&line).context("a worker has ended")?;
        outcome.map_err(|failure| anyhow!("a worker: {failure}"))
    }

    pub fn ask(&mut self, order: &Order) -> Result<Outcome> {
        self.tell(order)?;
        self.hear()
    }
}

impl<Order, Outcome> Drop for Worker<Order, Outcome> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Follows orders until there are no more.
pub fn serve<Order: DeserializeOwned, Outcome: Serialize>(
    mut follow: impl FnMut(Order) -> Result<Outcome>,
) -> Result<()> {
    for line in std::io::stdin().lock().lines() {
        let order = serde_json::from_str(&line?)?;
        let outcome = follow(order).map_err(|error| format!("{error:#}"));
        println!("{}", serde_json::to_string(&outcome)?);
        std::io::stdout().flush()?;
    }
    Ok(())
}
