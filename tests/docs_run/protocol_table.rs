//! The model beside `cargo bench --bench compare -- protocols`, in `docs/model.md`: TLS, HTTP/2, heads and cookies at
//! loads that the model was not fitted to.

use std::path::Path;

use anyhow::{Context as _, Result};
use poll_vs_sse_model::{
    ArrivalPattern, Model, Protocol, RequestSize, Scenario, Transport, Utilization, WireForm,
    format::{significant, with_thousands},
};

use super::report::{
    part::Part as _,
    protocols::{ProtocolCell, ProtocolsRun, WireProtocol},
    runs,
};

/// Bytes of a text in that bench.
const SIZE: f64 = 100.0;
/// Between two polls in that bench, seconds.
const INTERVAL_S: f64 = 1.0;
/// As long as the host that its requests name.
const HOST: &str = "127.0.0.1:40000";

/// How far the model is from what was measured, in each cell.
pub fn table(model: &Model, root: &Path) -> Result<String> {
    let found = runs::latest::<ProtocolsRun>(root, ProtocolsRun::FILE)?;
    let protocols = found.context("benches/runs has no run of protocols")?.run;
    let mut text = "| clients | messages/s | by | over | head | bytes | the model | CPU, % of a core | the model |\n\
                    |---|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    let (mut bytes_errors, mut cpu_errors) = (Vec::new(), Vec::new());
    for cell in protocols.cells() {
        let measured = protocols.figure(cell, |run| run.wire());
        let measured = measured.context("a cell without bytes")?.median;
        let cpu = protocols.figure(cell, |run| run.cpu());
        let cpu = cpu.context("a cell without CPU")?.median;
        let cost = model.cost(cell.transport, &scenario(cell));
        let computed = cost.wire_bytes_in_per_s + cost.wire_bytes_out_per_s;
        cpu_errors.push((cost.cpu.total() / cpu - 1.0).abs());
        let computed = if sends_more_than_a_browser(cell) {
            "–".to_owned()
        } else {
            bytes_errors.push((computed / measured - 1.0).abs());
            significant(computed)
        };
        text += &format!(
            "| {} | {} | {} | {} | {} | {} | {computed} | {} | {} |\n",
            with_thousands(cell.clients as u64),
            significant(cell.rate),
            cell.transport,
            cell.spoken.name(),
            cell.head_name(),
            significant(measured),
            significant(cpu * 100.0),
            significant(cost.cpu.total() * 100.0),
        );
    }
    let (bytes, _) = worst_and_middle(&mut bytes_errors);
    let (cpu, half) = worst_and_middle(&mut cpu_errors);
    Ok(format!(
        "Bytes differ by {bytes} % at most; CPU by {cpu} % at most, and by less than {half} % in half of the cells. \
         Bytes are wire bytes a second.\n\n{text}"
    ))
}

fn scenario(cell: &ProtocolCell) -> Scenario {
    let form = match cell.spoken {
        WireProtocol::Http1 => WireForm::new(Protocol::Http1, false),
        WireProtocol::Http1Tls => WireForm::new(Protocol::Http1, true),
        WireProtocol::H2Tls => WireForm::new(Protocol::Http2, true),
    };
    let request_size = match form.protocol {
        Protocol::Http1 => {
            let extra = cell
                .head
                .extra_bytes(Transport::Poll, HOST, cell.cookie_bytes);
            RequestSize::Beyond(extra as f64)
        }
        Protocol::Http2 => RequestSize::Packed(cell.head.http2_lengths(HOST, cell.cookie_bytes)),
    };
    Scenario {
        clients: cell.clients as f64,
        rate: cell.rate,
        size: SIZE,
        spacing: ArrivalPattern::Regular,
        interval_s: INTERVAL_S,
        wait_s: 25.0,
        round_trip_s: 0.0,
        hidden_share: 0.0,
        form,
        request_size,
        closes: false,
        load: Utilization::single_server(1.0),
    }
}

/// The bench's HTTP/2 library never indexes a path or a cookie. A browser does, and the model computes what a browser
/// sends.
fn sends_more_than_a_browser(cell: &ProtocolCell) -> bool {
    cell.spoken == WireProtocol::H2Tls && cell.transport == Transport::Poll
}

/// The largest and the middle one, in per cent.
fn worst_and_middle(errors: &mut [f64]) -> (String, String) {
    errors.sort_by(f64::total_cmp);
    let percent = |error: Option<&f64>| significant(error.copied().unwrap_or(0.0) * 100.0);
    (
        percent(errors.last()),
        percent(errors.get(errors.len() / 2)),
    )
}
