//! The connections for reading, and their threads.
//!
//! A connection belongs to one read from its start to its end, even if no one waits for the result any longer: a
//! client that leaves during a read must not take the connection from the next read.

use std::sync::Arc;

use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::super::StoreUnavailable;

pub struct ReaderPool {
    /// One for each connection of `idle`.
    permits: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl ReaderPool {
    pub fn new(connections: Vec<Connection>) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(connections.len())),
            idle: Arc::new(Mutex::new(connections)),
        }
    }

    /// Runs `query` on a thread that may block, once a connection is free.
    pub async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&mut Connection) -> T + Send + 'static,
    ) -> Result<T, StoreUnavailable> {
        let mut reader = self.take().await?;
        let read = tokio::task::spawn_blocking(move || query(reader.connection()));
        read.await
            .map_err(|error| StoreUnavailable(error.to_string()))
    }

    async fn take(&self) -> Result<PooledConnection, StoreUnavailable> {
        let closed = || StoreUnavailable("the store is closed".to_owned());
        let permit = self.permits.clone().acquire_owned().await;
        let permit = permit.map_err(|_| closed())?;
        let connection = self.idle.lock().pop().ok_or_else(closed)?;
        Ok(PooledConnection {
            connection: Some(connection),
            idle: self.idle.clone(),
            permits: self.permits.clone(),
            _permit: permit,
        })
    }

    /// Begins no further reads. Running reads close their connections when they end.
    pub fn close(&self) {
        self.permits.close();
        self.idle.lock().clear();
    }
}

/// A borrowed connection. When it is dropped, after its read has ended or panicked, the connection is idle again, and
/// only then may the next read begin.
struct PooledConnection {
    connection: Option<Connection>,
    idle: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
    _permit: OwnedSemaphorePermit,
}

impl PooledConnection {
    fn connection(&mut self) -> &mut Connection {
        self.connection.as_mut().expect("is taken only on drop")
    }
}

impl Drop for PooledConnection {
    fn drop(&mut self) {
        // Under the lock, so that it cannot be closed in between.
        let mut idle = self.idle.lock();
        if !self.permits.is_closed() {
            idle.extend(self.connection.take());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, time::Duration};

    use super::*;

    fn pool() -> ReaderPool {
        ReaderPool::new(vec![Connection::open_in_memory().expect("opens")])
    }

    #[tokio::test]
    async fn a_read_that_nobody_waits_for_keeps_its_connection_to_its_end() {
        let pool = pool();
        let (release, held) = mpsc::channel::<()>();
        let abandoned = pool.read(move |_| held.recv().is_ok());
        assert!(
            tokio::time::timeout(Duration::from_millis(50), abandoned)
                .await
                .is_err()
        );
        let next = pool.read(|connection| connection.is_autocommit());
        tokio::pin!(next);
        assert!(
            tokio::time::timeout(Duration::from_millis(50), &mut next)
                .await
                .is_err(),
            "waits for the connection"
        );
        release.send(()).expect("the read is still running");
        assert!(next.await.expect("reads"));
    }

    #[tokio::test]
    async fn a_read_that_panics_gives_its_connection_back() {
        let pool = pool();
        let failed = pool.read(|_| -> bool { panic!("as intended") }).await;
        assert!(failed.is_err());
        let next = pool.read(|connection| connection.is_autocommit()).await;
        assert!(next.expect("reads"));
    }
}
