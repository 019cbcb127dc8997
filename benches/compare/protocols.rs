//! The matrix's protocol dimension: a few of its loads over other protocols, with a browser's head and with cookies.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use poll_vs_sse_instrument::{OwnServer, Transport, Workload};
use poll_vs_sse_model::{RequestHead, WireForm};

use super::harness::program::BenchSetup;
use super::matrix::SIZE;
use super::report::protocols::{ProtocolCell, ProtocolMeasurement, ProtocolsRun, WireProtocol};
use super::report::provenance::Provenance;

/// Clients, and messages a second.
const LOADS: [(usize, f64); 2] = [(1000, 1.0), (100, 10.0)];
const INTERVAL: Duration = Duration::from_secs(1);
/// The other request heads to measure with polls. Chromium's without a cookie is measured over every protocol.
const OTHER_HEADS: [(WireProtocol, RequestHead, usize); 5] = [
    (WireProtocol::Http1, RequestHead::Bare, 0),
    (WireProtocol::Http1, RequestHead::Chrome, 1024),
    (WireProtocol::Http1, RequestHead::Chrome, 4096),
    (WireProtocol::H2Tls, RequestHead::Chrome, 1024),
    (WireProtocol::H2Tls, RequestHead::Chrome, 4096),
];

/// Measures every cell in each of `rounds` rounds; protocols take turns.
pub fn run(
    setup: &BenchSetup,
    rounds: u32,
    is_quick: bool,
    about: Provenance,
) -> Result<ProtocolsRun> {
    let lasts = Duration::from_secs(if is_quick { 1 } else { 5 });
    let mut measured = ProtocolsRun {
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
            let run = setup
                .runtime
                .block_on(measure_cell(setup, &cell, round, lasts));
            let run = run.with_context(what)?;
            println!("{:>5.0} s {}", begin.elapsed().as_secs_f64(), run.line());
            measured.runs.push(run);
        }
    }
    Ok(measured)
}

fn cells(is_quick: bool) -> Vec<ProtocolCell> {
    let loads = match is_quick {
        true => &LOADS[1..],
        false => &LOADS[..],
    };
    let mut cells = Vec::new();
    for (clients, rate) in loads {
        let cell = |transport, spoken, head, cookie_bytes| ProtocolCell {
            spoken,
            transport,
            head,
            cookie_bytes,
            clients: *clients,
            rate: *rate,
        };
        for spoken in WireProtocol::ALL {
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

/// One run. Fails unless its audit is clean.
async fn measure_cell(
    setup: &BenchSetup,
    cell: &ProtocolCell,
    round: u32,
    lasts: Duration,
) -> Result<ProtocolMeasurement> {
    let WireForm { protocol, tls } = cell.spoken.form();
    let server = OwnServer {
        tls,
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
    let outcome = setup
        .measure_own(server, &workload, cell.transport, round)
        .await?;
    Ok(ProtocolMeasurement {
        of: cell.clone(),
        round,
        outcome,
    })
}
