//! Opening the log that the configuration names, or waiting until it can be opened.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use crate::{
    config::{Config, StoreChoice},
    cursor::LogId,
    ledger::lines::Lines,
    log::{Log, memory::Memory, nats, sqlite, store::Store, tails::Tails},
    transport::sse,
};

/// How often a store that cannot be opened yet is tried, and said to be away.
const RETRY_EVERY: Duration = Duration::from_secs(1);

/// Opens the log. Where that is to be waited for, what is wrong becomes a log line a second.
pub fn open_log(config: &Config, lines: &Lines) -> anyhow::Result<Arc<Log>> {
    let mut was_away = false;
    loop {
        let begun = Instant::now();
        match open_now(config) {
            Ok(log) => {
                if was_away {
                    lines.note("store-back", "the store answers");
                }
                return Ok(log);
            }
            Err(error) if config.wait_for_store => {
                was_away = true;
                lines.note("store-away", format_args!("{error:#}"));
            }
            Err(error) => return Err(error),
        }
        thread::sleep(RETRY_EVERY.saturating_sub(begun.elapsed()));
    }
}

fn open_now(config: &Config) -> anyhow::Result<Arc<Log>> {
    let retention = config.retention;
    let tails = |log, head| Arc::new(Tails::new(config.tail_bytes, log, head));
    let (store, tails) = match &config.store {
        StoreChoice::Memory => {
            let log = LogId::random()?;
            let tails = tails(log, 0);
            let memory = Memory::new(log, retention, sse::encode, tails.clone());
            (Store::Memory(Box::new(memory)), tails)
        }
        StoreChoice::Sqlite(path) => {
            let opened = sqlite::Opened::open(path.clone())?;
            let tails = tails(opened.log, opened.head);
            let sqlite = opened.serve(retention, sse::encode, tails.clone())?;
            (Store::Sqlite(sqlite), tails)
        }
        StoreChoice::Nats(options) => {
            let opened = nats::Opened::open(options, retention)?;
            let tails = tails(opened.log, opened.head);
            (Store::Nats(opened.serve(sse::encode, tails.clone())), tails)
        }
    };
    Ok(Log::new(store, tails))
}
