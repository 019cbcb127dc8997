//! The memory of a waiting reader in the server and in the kernel, if readers connect in batches or all at once, and
//! the memory that remains after all have left.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::LimitsPlan;
use super::baseline_server::Task;
use super::fan_out;
use super::herd::Herd;
use super::http::{self, Connection};
use super::peers::{self, Pushpin};
use super::report::limits::readers::{
    ConnectOrder, ReaderKind, ReaderMemory, ReadersRun, ServerKind,
};
use super::report::provenance::Provenance;
use super::servers::{self, OwnServer, RunningServer};
use super::usage::{kernel_kib, settled_pss_kib};

/// Time for a server to accept readers that it does not answer yet, and to notice that readers have left.
const SETTLE_TIME: Duration = Duration::from_secs(2);

pub fn run(plan: &LimitsPlan<'_>, about: Provenance) -> Result<ReadersRun> {
    let peers = peers::peers();
    let repeats = if plan.quick { 1 } else { 3 };
    let mut rows = Vec::new();
    for repeat in 1..=repeats {
        for subject in ServerKind::ALL {
            for kind in ReaderKind::ALL {
                for arrival in [ConnectOrder::InTurn, ConnectOrder::Herd] {
                    if let Some(row) = measure(plan, subject, kind, arrival, repeat)? {
                        rows.push(row);
                    }
                }
            }
        }
    }
    Ok(ReadersRun {
        about,
        peers,
        readers: plan.readers,
        rows,
    })
}

/// Measures on a fresh server. `None` if the server is not installed or does not have this kind of readers.
fn measure(
    plan: &LimitsPlan<'_>,
    subject: ServerKind,
    kind: ReaderKind,
    arrival: ConnectOrder,
    repeat: usize,
) -> Result<Option<ReaderMemory>> {
    let Some(server) = start(plan, subject)? else {
        return Ok(None);
    };
    let Some(request) = request(subject, kind, &server)? else {
        return Ok(None);
    };
    let pids = server.process.pids();
    let before_kib = settled_pss_kib(&pids)?;
    let kernel_before_kib = kernel_kib()?;
    let is_answered = kind != ReaderKind::LongPoll;
    let mut herd = Herd::connect(&server, &request, plan.readers, arrival, is_answered)
        .with_context(|| format!("{subject:?}, {kind:?}, {arrival:?}"))?;
    std::thread::sleep(SETTLE_TIME);
    let refused = herd
        .count_refused(is_answered)
        .with_context(|| format!("{subject:?}, {kind:?}, {arrival:?}"))?;
    ensure!(
        refused == 0 || subject == ServerKind::Pushpin,
        "{subject:?} refused {refused} of {arrival:?}, {kind:?}"
    );
    let held_kib = settled_pss_kib(&pids)?;
    let kernel_held_kib = kernel_kib()?;
    let served = herd.first_byte_times();
    drop(herd);
    std::thread::sleep(SETTLE_TIME);
    Ok(Some(ReaderMemory {
        subject,
        kind,
        arrival,
        repeat,
        refused,
        before_kib,
        held_kib,
        after_kib: settled_pss_kib(&pids)?,
        kernel_before_kib,
        kernel_held_kib,
        served,
    }))
}

fn start(plan: &LimitsPlan<'_>, subject: ServerKind) -> Result<Option<RunningServer>> {
    let core = plan.setup.core();
    let name = subject.name();
    let own = |fast_path| {
        let server = OwnServer {
            fast_path,
            ..OwnServer::default()
        };
        server.start(name, &plan.setup.binary, core).map(Some)
    };
    match subject {
        ServerKind::Floor => servers::floor(name, &Task::Send, core).map(Some),
        ServerKind::Accelerator => own(true),
        ServerKind::OrdinaryWay => own(false),
        ServerKind::Nchan => fan_out::nchan(name, None, core),
        ServerKind::Pushpin => Ok(Pushpin::start(core)?.map(|it| it.server)),
        ServerKind::DurableStreams => peers::durable_streams(core),
    }
}

/// The request of such a reader; `None` if the server does not have this kind of readers.
fn request(
    subject: ServerKind,
    kind: ReaderKind,
    server: &RunningServer,
) -> Result<Option<Vec<u8>>> {
    Ok(Some(match (subject, kind) {
        (ServerKind::Floor, ReaderKind::Stream) => http::get_stream("/stream"),
        (ServerKind::Accelerator | ServerKind::OrdinaryWay, kind) => own_request(kind, server)?,
        (ServerKind::Nchan, ReaderKind::Stream) => http::get_stream("/stream"),
        (ServerKind::Nchan, ReaderKind::LongPoll) => http::get("/poll"),
        (ServerKind::Pushpin, ReaderKind::Stream) => http::get_stream(Pushpin::STREAM),
        (ServerKind::Pushpin, ReaderKind::LongPoll) => http::get(Pushpin::LONG_POLL),
        (ServerKind::DurableStreams, ReaderKind::Stream) => http::get_stream(peers::DURABLE_STREAM),
        (ServerKind::DurableStreams, ReaderKind::LongPoll) => http::get(peers::DURABLE_LONG_POLL),
        (ServerKind::DurableStreams, ReaderKind::Poller) => http::get(peers::DURABLE_POLL),
        (ServerKind::Floor | ServerKind::Nchan | ServerKind::Pushpin, _) => return Ok(None),
    }))
}

fn own_request(kind: ReaderKind, server: &RunningServer) -> Result<Vec<u8>> {
    let answer = Connection::open(server.address)?.ask(&http::get("/poll?room=bench&last=0"))?;
    let page: serde_json::Value = serde_json::from_slice(&answer.body)?;
    let cursor = page["cursor"].as_str().context("a page without a cursor")?;
    Ok(match kind {
        ReaderKind::Stream => http::get_stream(&format!("/stream?room=bench&cursor={cursor}")),
        ReaderKind::LongPoll => http::get(&format!("/poll?room=bench&cursor={cursor}&wait=60")),
        ReaderKind::Poller => http::get(&format!("/poll?room=bench&cursor={cursor}")),
    })
}
