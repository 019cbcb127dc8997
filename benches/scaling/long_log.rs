//! A log of ten million messages: the time to start a server on it, to read a page at its beginning, middle and end,
//! and to catch up with all of it; compared with a log of a hundredth of that length.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::fill::{self, ROOM, StoreLocation};
use super::history::{HistoryReader, cursor_parts, newest_cursor};
use super::http::{self, Connection};
use super::report::provenance::Provenance;
use super::report::scaling::long_log::{LogMeasurement, LongLogRun};
use super::servers::{self, OwnServer};

/// Messages in the answer to one poll.
const PAGE: usize = 200;
/// Reads at each position.
const READS: u64 = 15;
/// Starts of the server.
const STARTS: usize = 3;
/// The longest time for one reader to catch up.
const CATCH_UP_TIMEOUT: Duration = Duration::from_secs(200);
/// A short log is read repeatedly, for at least this long.
const MIN_CATCH_UP_TIME: Duration = Duration::from_secs(5);
/// Messages read between two checks of the clock.
const MESSAGES_PER_CHECK: u64 = 1000;

/// The size of the measurement.
#[derive(Clone, Copy)]
pub struct LongLogSizes {
    pub messages: u64,
    /// Messages of the short log.
    pub few: u64,
}

/// Measures logs of both lengths in each store, with their files in `scratch`.
pub fn run(
    binary: &Path,
    scratch: &Path,
    core: Option<usize>,
    amount: LongLogSizes,
    about: Provenance,
) -> Result<LongLogRun> {
    let nats = servers::nats_version();
    let mut logs = Vec::new();
    for messages in [amount.few, amount.messages] {
        let directory = scratch.join(format!("sqlite-{messages}"));
        std::fs::create_dir(&directory)?;
        let place = StoreLocation::Sqlite(directory.join("chat.db"));
        logs.push(measure_log(
            &place, "SQLite", &directory, binary, core, messages,
        )?);
        std::fs::remove_dir_all(&directory)?;
        if nats.is_some() {
            let directory = scratch.join(format!("jetstream-{messages}"));
            let server = servers::nats("nats-server", &directory, core)?;
            let place = StoreLocation::Nats(format!("nats://{}", server.address));
            logs.push(measure_log(
                &place,
                "JetStream",
                &directory,
                binary,
                core,
                messages,
            )?);
            drop(server);
            std::fs::remove_dir_all(&directory)?;
        }
    }
    Ok(LongLogRun {
        about,
        nats,
        page: PAGE,
        catching_up_s: CATCH_UP_TIMEOUT.as_secs(),
        logs,
    })
}

fn measure_log(
    place: &StoreLocation,
    store: &str,
    directory: &Path,
    binary: &Path,
    core: Option<usize>,
    messages: u64,
) -> Result<LogMeasurement> {
    let begin = Instant::now();
    fill::fill(place, messages).with_context(|| format!("fill {store}"))?;
    let append_s = begin.elapsed().as_secs_f64();
    println!("{store}: {messages} messages appended in {append_s:.0} s");
    let flag = match place {
        StoreLocation::Sqlite(path) => format!("sqlite:{}", path.display()),
        StoreLocation::Nats(servers) => servers.clone(),
    };
    let ours = OwnServer {
        store: &flag,
        keeps_all: true,
        ..OwnServer::default()
    };
    let mut start_s = Vec::new();
    let mut server = None;
    for _ in 0..STARTS {
        // One server at a time: a server locks the file.
        drop(server.take());
        let begin = Instant::now();
        let started = ours.start(store, binary, core)?;
        newest_cursor(started.address)?;
        start_s.push(begin.elapsed().as_secs_f64());
        server = Some(started);
    }
    let server = server.context("no server was started")?;
    let last = newest_cursor(server.address)?;
    let (log, last_id) = cursor_parts(&last)?;
    let at = |from: u64| {
        let reads = (0..READS).map(|read| {
            let after = from + read * PAGE as u64;
            read_page_us(server.address, &format!("{log}-{after}"))
        });
        reads.collect::<Result<Vec<_>>>()
    };
    let first = last_id + 1 - messages;
    let whole = READS * PAGE as u64;
    let mut one = LogMeasurement {
        store: store.to_owned(),
        messages,
        disk_bytes: directory_bytes(directory)?,
        append_s,
        start_s,
        beginning_us: at(first)?,
        middle_us: at(first + messages / 2)?,
        end_us: at(last_id - whole)?,
        caught_up_messages: 0,
        caught_up_bytes: 0,
        caught_up_s: 0.0,
    };
    let before_all = format!("{log}-{}", first - 1);
    while one.caught_up_s < MIN_CATCH_UP_TIME.as_secs_f64() {
        catch_up(server.address, &before_all, last_id, &mut one)?;
    }
    println!(
        "{store}: {messages} messages, start {:?} s, caught up with {} in {:.1} s",
        one.start_s, one.caught_up_messages, one.caught_up_s
    );
    Ok(one)
}

/// The time of a poll for a page after `cursor`, in microseconds.
fn read_page_us(address: SocketAddr, cursor: &str) -> Result<u64> {
    let path = format!("/poll?room={ROOM}&cursor={cursor}&limit={PAGE}");
    let mut connection = Connection::open(address)?;
    let begin = Instant::now();
    let answer = connection.ask(&http::get(&path))?;
    let took = begin.elapsed();
    let body: serde_json::Value = serde_json::from_slice(&answer.body)?;
    let messages = body["messages"].as_array().map_or(0, Vec::len);
    ensure!(
        messages == PAGE && body["reset"].is_null(),
        "{messages} messages after {cursor}, reset {}",
        body["reset"]
    );
    Ok(u64::try_from(took.as_micros())?)
}

/// Reads a stream from `cursor` to the newest message, and checks that no id is missing.
fn catch_up(
    address: SocketAddr,
    cursor: &str,
    last_id: u64,
    one: &mut LogMeasurement,
) -> Result<()> {
    let begin = Instant::now();
    let mut reader = HistoryReader::open(address, cursor)?;
    while reader.id() < last_id && begin.elapsed() < CATCH_UP_TIMEOUT {
        let work = reader.read((last_id - reader.id()).min(MESSAGES_PER_CHECK))?;
        one.caught_up_messages += work.units;
        one.caught_up_bytes += work.wire_bytes;
    }
    one.caught_up_s += begin.elapsed().as_secs_f64();
    Ok(())
}

/// Bytes of all files in a directory.
fn directory_bytes(directory: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        bytes += match entry.file_type()?.is_dir() {
            true => directory_bytes(&entry.path())?,
            false => entry.metadata()?.len(),
        };
    }
    Ok(bytes)
}
