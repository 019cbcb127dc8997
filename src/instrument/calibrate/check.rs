//! Compares the model with the measurements.

use anyhow::{Result, ensure};

use super::{CalibrationRun, MeasurePurpose, Point, observed_rates::ObservedRates};
use crate::{
    RunResult, Transport,
    model::{ArrivalPattern, Cost, Errors, MeasuredPoint, Model, Scenario, Utilization},
};

/// Refuses a run that is not a valid measurement.
pub fn ensure_valid(point: &Point, outcome: &RunResult) -> Result<()> {
    let Point {
        transport, clients, ..
    } = point;
    let run = format!("with {clients} clients by {transport}");
    ensure!(
        !outcome.publishing.fell_short,
        "{run}: messages could not be published at their rate; such a run has another workload"
    );
    ensure!(
        outcome.is_valid(),
        "{run}: {} of {} messages came, {} twice, {} out of order, {} errors{}; such a run is no measure of anything",
        outcome.deliveries,
        outcome.expected,
        outcome.duplicates,
        outcome.out_of_order,
        outcome.errors,
        match &outcome.first_error {
            Some(error) => format!(" (the first: {error})"),
            None => String::new(),
        }
    );
    Ok(())
}

/// The model's prediction for a point, with the settings of `compare`.
pub fn predicted(model: &Model, point: &Point) -> Cost {
    let workload = point.workload();
    let setting = Scenario {
        clients: f64::from(point.clients),
        rate: point.rate,
        size: point.size as f64,
        spacing: ArrivalPattern::Regular,
        interval_s: point.interval_s,
        wait_s: workload.wait.as_secs_f64(),
        round_trip_s: 0.0,
        hidden_share: 0.0,
        form: point.form,
        request_size: point.request_size(),
        closes: point.purpose == MeasurePurpose::FitConnecting,
        load: Utilization::single_server(f64::from(model.server_cores)),
    };
    model.cost(point.transport, &setting)
}

/// Each run with the model's prediction.
pub fn points(model: &Model, runs: &[CalibrationRun]) -> Vec<MeasuredPoint> {
    let measured = runs.iter().map(|run| {
        let point = &run.point;
        let rates = ObservedRates::from_run(run);
        let cost = predicted(model, point);
        MeasuredPoint {
            transport: point.transport,
            clients: f64::from(point.clients),
            rate: point.rate,
            size: point.size as f64,
            interval_s: (point.transport == Transport::Poll).then_some(point.interval_s),
            form: point.form,
            head: point.head,
            cookie_bytes: point.cookie_bytes as f64,
            purpose: point.purpose,
            limited: run.outcome.load.limited,
            requests_per_s: [rates.requests, cost.rates.requests],
            wire_bytes_in_per_s: [rates.wire_bytes_in, cost.wire_bytes_in_per_s],
            wire_bytes_out_per_s: [rates.wire_bytes_out, cost.wire_bytes_out_per_s],
            cores: [rates.cores, cost.cpu.total()],
        }
    });
    measured.collect()
}

/// The relative error of the prediction; 0 if nothing was measured.
pub fn error([measured, predicted]: [f64; 2]) -> f64 {
    if measured == 0.0 {
        0.0
    } else {
        predicted / measured - 1.0
    }
}

/// The errors of the points that the model was not fitted to.
pub fn errors(points: &[MeasuredPoint]) -> Errors {
    let tests = || {
        points
            .iter()
            .filter(|point| point.purpose == MeasurePurpose::Check)
    };
    let worst = |of: fn(&MeasuredPoint) -> f64| tests().map(of).fold(0.0, f64::max);
    let mut cpu: Vec<f64> = tests().map(|point| error(point.cores).abs()).collect();
    cpu.sort_by(f64::total_cmp);
    Errors {
        cpu_median: cpu.get(cpu.len() / 2).copied().unwrap_or(0.0),
        cpu_worst: cpu.last().copied().unwrap_or(0.0),
        bytes_worst: worst(|point| {
            let (into, out) = (point.wire_bytes_in_per_s, point.wire_bytes_out_per_s);
            let into = match point.has_comparable_requests() {
                true => error(into).abs(),
                false => 0.0,
            };
            into.max(error(out).abs())
        }),
        requests_worst: Some(worst(|point| error(point.requests_per_s).abs())),
        matrix: None,
    }
}
