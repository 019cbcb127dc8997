//! Publishing to a server that may close the connection after each answer.

use anyhow::{Context, Result, ensure};

use super::http::Connection;
use super::running::Endpoint;

/// Publishes on one connection, and reconnects after the server has closed it.
pub struct Publisher {
    endpoint: Endpoint,
    connection: Option<Connection>,
}

impl Publisher {
    pub fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            connection: None,
        }
    }

    pub fn send(&mut self, room: &str, text: &str) -> Result<()> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::open(self.endpoint.address)?,
        };
        connection.send(&self.endpoint.dialect.publish(room, text))?;
        self.connection = Some(connection);
        Ok(())
    }

    /// Waits for the answer to the last publish.
    pub fn confirm(&mut self) -> Result<()> {
        let mut connection = self.connection.take().context("nothing was sent")?;
        let answer = connection.answer()?;
        ensure!(
            answer.status / 100 == 2,
            "publish: status {}",
            answer.status
        );
        if !connection.is_closed() {
            self.connection = Some(connection);
        }
        Ok(())
    }

    pub fn publish(&mut self, room: &str, text: &str) -> Result<()> {
        self.send(room, text)?;
        self.confirm()
    }
}
