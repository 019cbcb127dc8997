//! The matrix's protocol dimension: a few of its loads over other protocols, with a browser's head and with cookies.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use poll_vs_sse_instrument::{OwnServer, Protocol, Transport, Workload};
use poll_vs_sse_model::RequestHead;

use super::harness::program::Stage;
use super::matrix::SIZE;
use super::report::protocols::{Cell, Protocols, Run, Spoken};
use super::report::provenance::Provenance;

/// Clients, and messages a second.
const LOADS: [(usize, f64); 2] = [(1000, 1.0), (100, 10.0)];
const INTERVAL: Duration = Duration::from_secs(1);
/// Heads of polls beside Chromium's without a cookie, which is measured over every protocol.
const OTHER_HEADS: [(Spoken, RequestHead, usize); 5] = [
    (Spoken::Http1, RequestHead::Bare, 0),
    (Spoken::Http1, RequestHead::Chrome, 1024),
    (Spoken::Http1, RequestHead::Chrome, 4096),
    (Spoken::H2Tls, RequestHead::Chrome, 1024),
    (Spoken::H2Tls, RequestHead::Chrome, 4096),
];

/// Measures every cell in each of `rounds` rounds; protocols take turns.
pub fn run(stage: &Stage, rounds: u32, is_quick: bool, about: Provenance) -> Result<Protocols> {
    let lasts = Duration::from_secs(if is_quick { 1 } else { 5 });
    let mut measured = Protocols {
        about,
        runs: Vec::new(),
    };
    let begin = Instant::now();
    for round in 1..=rounds {
        let mut cells = cells(is_quick);
        let turn = round as usize % cells.len();
        cells.rotate_left(turn);
        for cell in cells {
            let what = || format!("{cell:?}");
            let run = stage.runtime.block_on(once(stage, &cell, round, lasts));
            let run = run.with_context(what)?;
            println!("{:>5.0} s {}", begin.elapsed().as_secs_f64(), run.line());
            measured.runs.push(run);
        }
    }
    Ok(measured)
}

fn cells(is_quick: bool) -> Vec<Cell> {
    let loads = match is_quick {
        true => &LOADS[1..],
        false => &LOADS[..],
    };
    let mut cells = Vec::new();
    for (clients, rate) in loads {
        let cell = |transport, spoken, head, cookie_bytes| Cell {
            spoken,
            transport,
            head,
            cookie_bytes,
            clients: *clients,
            rate: *rate,
        };
        for spoken in Spoken::ALL {
            for transport in [Transport::Stream, Transport::Poll] {
                cells.push(cell(transport, spoken, RequestHead::Chrome, 0));
            }
        }
        let others = OTHER_HEADS.into_iter();
        cells.extend(
            others.map(|(spoken, head, cookie)| cell(Transport::Poll, spoken, head, cookie)),
        );
    }
    cells
}

/// One run, whose audit has to be clean.
async fn once(stage: &Stage, cell: &Cell, round: u32, lasts: Duration) -> Result<Run> {
    let protocol = match cell.spoken {
        Spoken::Http1 | Spoken::Http1Tls => Protocol::Http1,
        Spoken::H2Tls => Protocol::Http2,
    };
    let server = OwnServer {
        tls: cell.spoken != Spoken::Http1,
        protocol: Some(protocol),
        ..OwnServer::default()
    };
    let workload = Workload {
        transports: vec![cell.transport],
        clients: cell.clients,
        rate: cell.rate,
        interval: INTERVAL,
        duration: lasts,
        size: SIZE,
        head: cell.head,
        cookie_bytes: cell.cookie_bytes,
        protocol: Some(protocol),
        ..Workload::default()
    };
    let outcome = stage
        .measure_own(server, &workload, cell.transport, round)
        .await?;
    Ok(Run {
        of: cell.clone(),
        round,
        outcome,
    })
}
