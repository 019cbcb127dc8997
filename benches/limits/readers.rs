//! What a waiting reader holds of the server's memory and of the kernel's, whether they came one after the other or all
//! at once, and what is left behind when all have gone.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::Plan;
use super::baseline_server::Task;
use super::fan_out;
use super::herd::Herd;
use super::http::{self, Connection};
use super::peers::{self, Pushpin};
use super::report::limits::readers::{Arrival, Holding, Kind, Readers, Subject};
use super::report::provenance::Provenance;
use super::servers::{self, OwnServer, RunningServer};
use super::usage::{kernel_kib, settled_pss_kib};

/// A server has this long to take in readers that it does not answer yet, and to notice that they have gone.
const CALM: Duration = Duration::from_secs(2);

pub fn run(plan: &Plan<'_>, about: Provenance) -> Result<Readers> {
    let peers = peers::peers();
    let repeats = if plan.quick { 1 } else { 3 };
    let mut rows = Vec::new();
    for repeat in 1..=repeats {
        for subject in Subject::ALL {
            for kind in Kind::ALL {
                for arrival in [Arrival::InTurn, Arrival::Herd] {
                    if let Some(row) = measure(plan, subject, kind, arrival, repeat)? {
                        rows.push(row);
                    }
                }
            }
        }
    }
    Ok(Readers {
        about,
        peers,
        readers: plan.readers,
        rows,
    })
}

/// Measures on a fresh server; `None` where there is no such server, or it has no such readers.
fn measure(
    plan: &Plan<'_>,
    subject: Subject,
    kind: Kind,
    arrival: Arrival,
    repeat: usize,
) -> Result<Option<Holding>> {
    let Some(server) = start(plan, subject)? else {
        return Ok(None);
    };
    let Some(request) = request(subject, kind, &server)? else {
        return Ok(None);
    };
    let pids = server.process.pids();
    let before_kib = settled_pss_kib(&pids)?;
    let kernel_before_kib = kernel_kib()?;
    let is_answered = kind != Kind::LongPoll;
    let mut herd = Herd::come(&server, &request, plan.readers, arrival, is_answered)
        .with_context(|| format!("{subject:?}, {kind:?}, {arrival:?}"))?;
    std::thread::sleep(CALM);
    let refused = herd
        .refused(is_answered)
        .with_context(|| format!("{subject:?}, {kind:?}, {arrival:?}"))?;
    ensure!(
        refused == 0 || subject == Subject::Pushpin,
        "{subject:?} refused {refused} of {arrival:?}, {kind:?}"
    );
    let held_kib = settled_pss_kib(&pids)?;
    let kernel_held_kib = kernel_kib()?;
    let served = herd.served();
    drop(herd);
    std::thread::sleep(CALM);
    Ok(Some(Holding {
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

fn start(plan: &Plan<'_>, subject: Subject) -> Result<Option<RunningServer>> {
    let core = plan.stage.core();
    let name = subject.name();
    let own = |fast_path| {
        let server = OwnServer {
            fast_path,
            ..OwnServer::default()
        };
        server.start(name, &plan.stage.binary, core).map(Some)
    };
    match subject {
        Subject::Floor => servers::floor(name, &Task::Send, core).map(Some),
        Subject::Accelerator => own(true),
        Subject::OrdinaryWay => own(false),
        Subject::Nchan => fan_out::nchan(name, None, core),
        Subject::Pushpin => Ok(Pushpin::start(core)?.map(|it| it.server)),
        Subject::DurableStreams => peers::durable_streams(core),
    }
}

/// What such a reader asks for; `None` where the server has none.
fn request(subject: Subject, kind: Kind, server: &RunningServer) -> Result<Option<Vec<u8>>> {
    Ok(Some(match (subject, kind) {
        (Subject::Floor, Kind::Stream) => http::get_stream("/stream"),
        (Subject::Accelerator | Subject::OrdinaryWay, kind) => own_request(kind, server)?,
        (Subject::Nchan, Kind::Stream) => http::get_stream("/stream"),
        (Subject::Nchan, Kind::LongPoll) => http::get("/poll"),
        (Subject::Pushpin, Kind::Stream) => http::get_stream(Pushpin::STREAM),
        (Subject::Pushpin, Kind::LongPoll) => http::get(Pushpin::LONG_POLL),
        (Subject::DurableStreams, Kind::Stream) => http::get_stream(peers::DURABLE_STREAM),
        (Subject::DurableStreams, Kind::LongPoll) => http::get(peers::DURABLE_LONG_POLL),
        (Subject::DurableStreams, Kind::Poller) => http::get(peers::DURABLE_POLL),
        (Subject::Floor | Subject::Nchan | Subject::Pushpin, _) => return Ok(None),
    }))
}

fn own_request(kind: Kind, server: &RunningServer) -> Result<Vec<u8>> {
    let answer = Connection::open(server.address)?.ask(&http::get("/poll?room=bench&last=0"))?;
    let page: serde_json::Value = serde_json::from_slice(&answer.body)?;
    let cursor = page["cursor"].as_str().context("a page without a cursor")?;
    Ok(match kind {
        Kind::Stream => http::get_stream(&format!("/stream?room=bench&cursor={cursor}")),
        Kind::LongPoll => http::get(&format!("/poll?room=bench&cursor={cursor}&wait=60")),
        Kind::Poller => http::get(&format!("/poll?room=bench&cursor={cursor}")),
    })
}
