//! A reader that catches up with a long log over `GET /stream`, compared with a bare program that sends as many of the
//! same bytes to such a socket.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::LimitsPlan;
use super::baseline_server::Task;
use super::fill::{self, StoreLocation};
use super::history::{self, HistoryReader, IdSequence, StreamSample};
use super::report::limits::catch_up::{CatchUpLog, CatchUpRun, CatchUpStore, FLOOR, NATS, OURS};
use super::report::provenance::Provenance;
use super::rounds::{self, RoundSizes, Work};
use super::servers::{self, OwnServer, RunningServer};
use super::side_with_nats::SideWithNats;

/// Bytes of a log that the bare program sends repeatedly. A larger block does not fit into the processor's cache, a
/// smaller one needs more calls.
const BLOCK_BYTES: usize = 64 * 1024;
const SLICES_PER_ROUND: usize = 3;
/// The warm-up before a slice is this fraction of it: one message in 15.
const WARM_UP_SHARE: u64 = 15;

/// Measures catching up with logs of `messages` messages. They are written below `scratch` and deleted afterwards.
pub fn run(
    plan: &LimitsPlan<'_>,
    messages: u64,
    scratch: &Path,
    about: Provenance,
) -> Result<CatchUpRun> {
    let nats = servers::nats_version();
    if nats.is_none() {
        println!("catch-up: JetStream is skipped, because nats-server is not installed");
    }
    let mut logs = Vec::new();
    let stores = [
        Some(CatchUpStore::Sqlite),
        nats.is_some().then_some(CatchUpStore::JetStream),
    ];
    for store in stores.into_iter().flatten() {
        let directory = tempfile::tempdir_in(scratch).context("make a directory for a log")?;
        let log = measure(plan, store, messages, directory.path());
        logs.push(log.with_context(|| store.name())?);
    }
    Ok(CatchUpRun { about, nats, logs })
}

fn measure(
    plan: &LimitsPlan<'_>,
    store: CatchUpStore,
    messages: u64,
    directory: &Path,
) -> Result<CatchUpLog> {
    let core = plan.setup.core();
    let (nats, place, flag) = match store {
        CatchUpStore::Sqlite => {
            let path = directory.join("chat.db");
            let flag = format!("sqlite:{}", path.display());
            (None, StoreLocation::Sqlite(path), flag)
        }
        CatchUpStore::JetStream => {
            let nats = servers::nats("nats-server", &directory.join("nats"), core)?;
            let address = format!("nats://{}", nats.address);
            (Some(nats), StoreLocation::Nats(address.clone()), address)
        }
    };
    fill::fill(&place, messages)?;
    let server = OwnServer {
        store: &flag,
        keeps_all: true,
        ..OwnServer::default()
    };
    let server = server.start(OURS, &plan.setup.binary, core)?;
    let newest = history::newest_cursor(server.address)?;
    let (log, last) = history::cursor_parts(&newest)?;
    let before_all = format!("{log}-{}", last - messages);
    // Ids in the middle have as many digits as most ids.
    let middle = format!("{log}-{}", last - messages / 2);
    let sample = history::sample_stream(server.address, &middle, BLOCK_BYTES)?;
    let file = directory.join("sample");
    let mut sides = [
        SideWithNats::new(CatchUpSide::floor(&sample, file, core)?, None),
        SideWithNats::new(CatchUpSide::ours(server, &before_all)?, nats),
    ];
    let rounds = if plan.quick { 4 } else { 10 };
    let slices = (rounds * SLICES_PER_ROUND) as u64 + 1;
    let per_slice = messages * 9 / 10 / slices;
    for side in &mut sides {
        side.side.warm_up = per_slice / WARM_UP_SHARE;
    }
    let amounts = RoundSizes {
        rounds,
        per_round: per_slice * SLICES_PER_ROUND as u64,
        per_slice,
    };
    let mut rounds = rounds::run_alternating(&mut sides, amounts)?;
    let [_, mut ours] = sides;
    let of_nats = ours.nats_rounds(&rounds, SLICES_PER_ROUND, NATS);
    rounds.extend(of_nats);
    // The slices do not reach the end of the log. The rest is read too, so that every id is checked.
    let reader = &mut ours.side.reader;
    reader.read(last - reader.id())?;
    Ok(CatchUpLog {
        store,
        messages,
        rounds,
    })
}

/// A server with a reader that catches up. Between two slices nothing is read, so the socket is full and the server
/// waits.
struct CatchUpSide {
    name: &'static str,
    server: RunningServer,
    reader: HistoryReader,
    /// Messages that are read before each slice.
    warm_up: u64,
}

impl CatchUpSide {
    fn floor(sample: &StreamSample, file: PathBuf, core: Option<usize>) -> Result<Self> {
        std::fs::write(&file, &sample.bytes).context("write the sample")?;
        let server = servers::floor(FLOOR, &Task::Repeat(file), core)?;
        let &StreamSample { first, last, .. } = sample;
        let ids = IdSequence::Repeating { first, last };
        let reader = HistoryReader::open_path(server.address, "/stream", first - 1, ids)?;
        Ok(Self {
            name: FLOOR,
            server,
            reader,
            warm_up: 0,
        })
    }

    fn ours(server: RunningServer, cursor: &str) -> Result<Self> {
        let reader = HistoryReader::open(server.address, cursor)?;
        Ok(Self {
            name: OURS,
            server,
            reader,
            warm_up: 0,
        })
    }
}

impl rounds::Contender for CatchUpSide {
    fn name(&self) -> &'static str {
        self.name
    }

    fn pids(&self) -> Vec<i32> {
        self.server.process.pids()
    }

    fn warm_up(&mut self) -> Result<()> {
        self.reader.read(self.warm_up).map(drop)
    }

    fn work(&mut self, amount: u64) -> Result<Work> {
        self.reader.read(amount)
    }

    fn units_expected(&self, amount: u64) -> u64 {
        amount
    }
}
