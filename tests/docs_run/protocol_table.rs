//! The model compared with `cargo bench --bench compare -- protocols`, in `docs/model.md`: TLS, HTTP/2, heads and
//! cookies at loads that the model was not fitted to.

use std::path::Path;

use anyhow::{Context as _, Result};
use poll_vs_sse_model::{
    Model, RequestSize, Scenario, Transport,
    format::{significant, with_thousands},
};

use super::bench_load;
use super::report::{
    compare::HOST,
    part::Part as _,
    protocols::{ProtocolCell, ProtocolsRun, WireProtocol},
    runs,
};

/// Bytes of a text in that bench.
const SIZE: f64 = 100.0;
/// Seconds between two polls in that bench.
const INTERVAL_S: f64 = 1.0;

/// The model's deviation from the measurement in each cell.
pub fn table(model: &Model, root: &Path) -> Result<String> {
    let found = runs::latest::<ProtocolsRun>(root, ProtocolsRun::FILE)?;
    let protocols = found
        .context("benches/runs has no run of the part protocols")?
        .run;
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
        let computed = match sends_more_than_a_browser(cell) {
            true => "–".to_owned(),
            false => {
                let computed = cost.wire_bytes_in_per_s + cost.wire_bytes_out_per_s;
                compare(computed, measured, &mut bytes_errors)
            }
        };
        let computed_cpu = compare(100.0 * cost.cpu.total(), 100.0 * cpu, &mut cpu_errors);
        text += &format!(
            "| {} | {} | {} | {} | {} | {} | {computed} | {} | {computed_cpu} |\n",
            with_thousands(cell.clients as u64),
            significant(cell.rate),
            cell.transport,
            cell.spoken.name(),
            cell.head_name(),
            significant(measured),
            significant(100.0 * cpu),
        );
    }
    let (bytes, _) = worst_and_median(&mut bytes_errors);
    let (cpu, half) = worst_and_median(&mut cpu_errors);
    Ok(format!(
        "Bytes differ by {bytes} % at most; CPU by {cpu} % at most, and by less than {half} % in half of the cells. \
         Bytes are wire bytes a second.\n\n{text}"
    ))
}

fn scenario(cell: &ProtocolCell) -> Scenario {
    let form = cell.spoken.form();
    Scenario {
        form,
        request_size: RequestSize::of_polls(form.protocol, cell.head, HOST, cell.cookie_bytes),
        ..bench_load::scenario(cell.clients as f64, cell.rate, SIZE, INTERVAL_S)
    }
}

/// The model's figure, whose error is noted.
fn compare(computed: f64, measured: f64, errors: &mut Vec<f64>) -> String {
    errors.push((computed / measured - 1.0).abs());
    significant(computed)
}

/// Whether the bench sends more bytes than a browser. Its HTTP/2 library never indexes a path or a cookie; a browser
/// does, and the model assumes a browser. So bytes cannot be compared.
fn sends_more_than_a_browser(cell: &ProtocolCell) -> bool {
    cell.spoken == WireProtocol::H2Tls && cell.transport == Transport::Poll
}

/// The largest and the median error, in percent.
fn worst_and_median(errors: &mut [f64]) -> (String, String) {
    errors.sort_by(f64::total_cmp);
    let percent = |error: Option<&f64>| significant(error.copied().unwrap_or(0.0) * 100.0);
    (
        percent(errors.last()),
        percent(errors.get(errors.len() / 2)),
    )
}
