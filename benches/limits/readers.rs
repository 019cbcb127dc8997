//! What a waiting reader holds of the server's memory and of the kernel's, whether they came one after the other or all
//! at once, and what is left behind when all have gone.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::Plan;
use super::baseline_server::Task;
use super::fan_out;
use super::herd::Herd;
use super::http::{self, Connection};
use super::report::limits::readers::{Arrival, Holding, Kind, Readers, Subject};
use super::report::provenance::Provenance;
use super::servers::{self, OwnServer, RunningServer};
use super::usage::{kernel_kib, settled_pss_kib};

/// Where `benches/stacks/install durable-streams` puts it.
const DURABLE_STREAMS: &str = "benches/stacks/.installed/bin/durable-streams-server";
/// A server has this long to take in readers that it does not answer yet, and to notice that they have gone.
const CALM: Duration = Duration::from_secs(2);

pub fn run(plan: &Plan<'_>, about: Provenance) -> Result<Readers> {
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
    let herd = Herd::come(server.address, &request, plan.readers, arrival, is_answered)
        .with_context(|| format!("{subject:?}, {kind:?}, {arrival:?}"))?;
    std::thread::sleep(CALM);
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
        Subject::DurableStreams => durable_streams(name, core),
    }
}

/// The Durable Streams server, where it is installed, with the stream that all read.
fn durable_streams(name: &str, core: Option<usize>) -> Result<Option<RunningServer>> {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join(DURABLE_STREAMS);
    if !program.exists() {
        return Ok(None);
    }
    let arguments = |port: u16, data: PathBuf| {
        let mut command = Command::new(&program);
        command.args(["--port", &port.to_string(), "--durability", "memory"]);
        command.arg("--data-dir").arg(data);
        command
    };
    let server = servers::other(name, arguments, core)?;
    let answer = Connection::open(server.address)?.ask(
        b"PUT /bench HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 0\r\n\r\n",
    )?;
    ensure!(
        answer.status / 100 == 2,
        "prepare: status {}",
        answer.status
    );
    Ok(Some(server))
}

/// What such a reader asks for; `None` where the server has none.
fn request(subject: Subject, kind: Kind, server: &RunningServer) -> Result<Option<Vec<u8>>> {
    Ok(Some(match (subject, kind) {
        (Subject::Floor, Kind::Stream) => http::get_stream("/stream"),
        (Subject::Accelerator | Subject::OrdinaryWay, kind) => own_request(kind, server)?,
        (Subject::Nchan, Kind::Stream) => http::get_stream("/stream"),
        (Subject::Nchan, Kind::LongPoll) => http::get("/poll"),
        (Subject::DurableStreams, Kind::Stream) => http::get_stream("/bench?offset=now&live=sse"),
        (Subject::DurableStreams, Kind::LongPoll) => http::get("/bench?offset=now&live=long-poll"),
        (Subject::DurableStreams, Kind::Poller) => http::get("/bench?offset=now"),
        (Subject::Floor | Subject::Nchan, _) => return Ok(None),
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
