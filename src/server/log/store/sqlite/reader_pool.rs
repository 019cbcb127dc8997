//! The threads that read, each with a connection of its own.
//!
//! They begin with the server, because a thread may not be had later. A read whose client has left before it began is
//! left out; one that has begun runs to its end.

use std::{
    convert::Infallible,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        mpsc::{self, Receiver, Sender},
    },
    thread,
    time::Duration,
};

use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::{sync::oneshot, time::timeout};

use super::super::StoreUnavailable;

/// How long closing waits for reads that have begun.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(100);

type Read = Box<dyn FnOnce(&mut Connection) + Send>;

pub struct ReaderPool {
    /// `None` once the pool is closed.
    open: Mutex<Option<OpenPool>>,
}

struct OpenPool {
    reads: Sender<Read>,
    /// Ends when every thread has closed its connection.
    threads: tokio::sync::mpsc::Receiver<Infallible>,
}

impl ReaderPool {
    /// Starts a thread for each connection.
    pub fn start(connections: Vec<Connection>) -> io::Result<Self> {
        let (reads, queue) = mpsc::channel();
        let queue = Arc::new(Mutex::new(queue));
        let (running, threads) = tokio::sync::mpsc::channel(1);
        for connection in connections {
            let (queue, running) = (queue.clone(), running.clone());
            thread::Builder::new()
                .name("sqlite-reader".to_owned())
                .spawn(move || {
                    run(connection, &queue);
                    drop(running);
                })?;
        }
        Ok(Self {
            open: Mutex::new(Some(OpenPool { reads, threads })),
        })
    }

    /// Runs `query` on the next thread that is free.
    pub async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&mut Connection) -> T + Send + 'static,
    ) -> Result<T, StoreUnavailable> {
        let closed = || StoreUnavailable("the store is closed".to_owned());
        let (reply, response) = oneshot::channel();
        let read: Read = Box::new(move |connection| {
            if !reply.is_closed() {
                // An error means that the client no longer waits for the result.
                let _ = reply.send(query(connection));
            }
        });
        let is_sent = match &*self.open.lock() {
            Some(open) => open.reads.send(read).is_ok(),
            None => false,
        };
        if !is_sent {
            return Err(closed());
        }
        // Without a reply, the read has panicked.
        let failed = |_| StoreUnavailable("a read has failed".to_owned());
        response.await.map_err(failed)
    }

    /// Begins no further reads, and waits a moment for those that were asked for. Later ones close their connections
    /// when they end.
    pub async fn close(&self) {
        let open = self.open.lock().take();
        let Some(OpenPool { reads, mut threads }) = open else {
            return;
        };
        drop(reads);
        let _ = timeout(CLOSE_TIMEOUT, threads.recv()).await;
    }
}

/// Runs reads until the pool is closed.
fn run(mut connection: Connection, queue: &Mutex<Receiver<Read>>) {
    loop {
        // Not in the loop's condition, where the lock would be held during the read.
        let read = queue.lock().recv();
        let Ok(read) = read else { return };
        // A panic was reported when it happened, and its transaction is rolled back.
        let _ = catch_unwind(AssertUnwindSafe(|| read(&mut connection)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool() -> ReaderPool {
        ReaderPool::start(vec![Connection::open_in_memory().expect("opens")]).expect("a thread")
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
