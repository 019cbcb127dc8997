//! Opens the log that the configuration names, or waits until it can be opened.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use crate::{
    config::{Config, StoreChoice},
    delivery::sse,
    domain::cursor::LogId,
    ledger::access_log::EventLog,
    lifecycle::standby::{Standby, StandbyServer},
    log::{Log, LogSettings},
};

/// How often to retry a store that cannot be opened yet, and to log that it is away.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// Opens the log. If the configuration says to wait for the store, this logs the error once a second, and in the
/// meantime answers requests as `standby` says.
pub fn open_log(
    config: &Config,
    events: &EventLog,
    standby: &Standby<'_>,
) -> anyhow::Result<Arc<Log>> {
    let mut server = None;
    loop {
        let begun = Instant::now();
        match try_open_log(config) {
            Ok(log) => {
                if server.is_some() {
                    events.event("store-back", "the store answers");
                }
                return Ok(log);
            }
            Err(error) if config.wait_for_store => {
                events.event("store-away", format_args!("{error:#}"));
                if server.is_none() {
                    server = Some(StandbyServer::serve(standby, events)?);
                    let addr = standby.listener.addr();
                    let note = format_args!(
                        "until the store answers, http://{addr}/healthz answers 200 and everything else 503"
                    );
                    events.event("waiting", note);
                }
            }
            Err(error) => return Err(error),
        }
        thread::sleep(RETRY_INTERVAL.saturating_sub(begun.elapsed()));
    }
}

fn try_open_log(config: &Config) -> anyhow::Result<Arc<Log>> {
    let settings = LogSettings {
        retention: config.retention,
        tail_bytes: config.tail_bytes,
        encode: sse::encode,
    };
    Ok(match &config.store {
        StoreChoice::Memory => Log::in_memory(LogId::random()?, settings),
        StoreChoice::Sqlite(path) => Log::on_sqlite(path.clone(), settings)?,
        StoreChoice::Nats(options) => Log::on_nats(options, settings)?,
    })
}
