//! One client: a task of its own that reads by one transport until it is aborted.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Result;
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use super::{PATIENCE, asker::Asker, stream::Streamer};
use crate::{
    Pace,
    books::recorder::Books,
    target::requests::{Asking, Opening},
};

/// What all clients of a run share.
#[derive(Debug)]
pub struct Orders {
    pub addr: SocketAddr,
    pub reading: Reading,
    pub clients: usize,
}

#[derive(Debug)]
pub enum Reading {
    Poll {
        asking: Asking,
        interval: Duration,
        pace: Pace,
    },
    LongPoll {
        asking: Asking,
        wait: Duration,
    },
    Stream(Opening),
}

/// When the run begins, microseconds of its window.
pub type Gate = watch::Receiver<Option<u64>>;

/// See the module.
pub struct Client {
    pub number: usize,
    pub orders: Arc<Orders>,
    pub books: Books,
    pub gate: Gate,
}

impl Client {
    /// Gets into place, calls `ready`, and reads from when the gate opens, without end. An error is
    /// one of getting into place; later ones are in the books.
    pub async fn run(self, ready: impl FnOnce()) -> Result<()> {
        let orders = self.orders.clone();
        match &orders.reading {
            Reading::Poll { asking, .. } | Reading::LongPoll { asking, .. } => {
                let patience = match &orders.reading {
                    Reading::LongPoll { wait, .. } => *wait + PATIENCE,
                    _ => PATIENCE,
                };
                let mut asker = Asker::new(orders.addr, asking, patience, self.books);
                asker.open().await?;
                ready();
                let begin = begin(self.gate, asker.books()).await;
                match &orders.reading {
                    Reading::Poll { interval, pace, .. } => {
                        let share = self.number as f64 / orders.clients as f64;
                        let first = begin + interval.mul_f64(share);
                        asker.poll(first, *interval, *pace).await
                    }
                    _ => {
                        sleep_until(begin).await;
                        asker.long_poll().await
                    }
                }
            }
            Reading::Stream(opening) => {
                let mut streamer = Streamer::new(orders.addr, opening, self.books);
                streamer.open().await?;
                ready();
                streamer.run().await
            }
        }
    }
}

async fn begin(mut gate: Gate, books: &Books) -> Instant {
    // Where nobody opens the gate any more, the client is about to be aborted.
    let begin = gate.wait_for(Option::is_some).await.ok();
    match begin.and_then(|begin| *begin) {
        Some(begin) => books.recorder().window.instant(begin).into(),
        None => std::future::pending().await,
    }
}
