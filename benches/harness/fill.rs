//! Fills a long log. It bypasses HTTP, which would take longer than the measurement: SQLite is filled through the
//! server's own store, JetStream through its own client, with messages in the form in which servers store them.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use anyhow::{Context, Result, anyhow, ensure};
use async_nats::jetstream;
use poll_vs_sse_server::{
    delivery::sse,
    domain::{draft::Draft, room::Room},
    log::{
        Log, LogSettings,
        retention::Retention,
        store::nats::{self, Options},
    },
};

/// The room that all messages are in.
pub const ROOM: &str = "scaling";
/// Concurrent appends.
const AT_ONCE: usize = 512;
/// Messages published to JetStream before waiting for its acknowledgements.
const BATCH: u64 = 5000;
const SETTINGS: LogSettings = LogSettings {
    retention: Retention::UNLIMITED,
    tail_bytes: 1024 * 1024,
    encode: sse::encode,
};
const AUTHOR: &str = "mina";

/// The store of a log: a SQLite file, or the URL of a NATS server.
#[derive(Debug, Clone)]
pub enum StoreLocation {
    Sqlite(PathBuf),
    Nats(String),
}

/// Appends `messages` messages to an empty log. All of them are durable when it returns.
pub fn fill(place: &StoreLocation, messages: u64) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    match place {
        StoreLocation::Sqlite(path) => {
            let log = Log::on_sqlite(path.clone(), SETTINGS)?;
            runtime.block_on(append(log, messages))
        }
        StoreLocation::Nats(servers) => {
            let log = create_stream(servers)?;
            runtime.block_on(publish(servers, &log, messages))
        }
    }
}

/// Creates the stream as the first server does, and returns its log.
pub fn create_stream(servers: &str) -> Result<String> {
    let opened = nats::NatsHandle::open(&Options::new(servers), SETTINGS.retention)?;
    Ok(opened.log.to_string())
}

/// The subject of a room's messages.
pub fn subject(servers: &str, room: &str) -> String {
    format!("{}.{room}", Options::new(servers).stream)
}

fn text(number: u64) -> String {
    format!("{number:010} should this page poll, or should it use Server-Sent Events?")
}

async fn append(log: Arc<Log>, messages: u64) -> Result<()> {
    let room: Room = ROOM.parse().ok().context("the room's name")?;
    let next = Arc::new(AtomicU64::new(0));
    let mut tasks = tokio::task::JoinSet::<Result<()>>::new();
    for _ in 0..AT_ONCE {
        let (log, next, room) = (log.clone(), next.clone(), room.clone());
        tasks.spawn(async move {
            loop {
                let number = next.fetch_add(1, Relaxed);
                if number >= messages {
                    return Ok(());
                }
                let draft = Draft {
                    room: room.clone(),
                    author: AUTHOR.to_owned(),
                    text: text(number),
                };
                let appended = log.append(draft, None).await;
                appended.map_err(|error| anyhow!("append: {error}"))?;
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    log.close().await;
    Ok(())
}

async fn publish(servers: &str, log: &str, messages: u64) -> Result<()> {
    let client = async_nats::connect(servers).await?;
    let jetstream = jetstream::new(client.clone());
    let subject = subject(servers, ROOM);
    for number in 0..messages {
        let payload = serde_json::json!({
            "author": AUTHOR,
            "text": text(number),
            "log": log,
            "newest": number,
            "known": number,
        });
        let payload = payload.to_string().into();
        let is_last = number + 1 == messages;
        if is_last || number % BATCH == 0 {
            let published = jetstream.publish(subject.clone(), payload).await?.await?;
            ensure!(
                published.sequence == number + 1,
                "JetStream has {} messages instead of {}",
                published.sequence,
                number + 1
            );
        } else {
            client.publish(subject.clone(), payload).await?;
        }
    }
    Ok(())
}
