//! Calibrates a made-up server whose costs are known. `cargo run --example docs -- --check` checks that the committed
//! runs give the built-in model.

use super::{CalibrationRun, MeasurePurpose, Point, check, model, points};
use crate::{
    DelayStats, LoadGeneratorStats, RunResult, Transport,
    model::{Constants, FormConstants, Model, PerForm, WireForm},
    test_fixtures,
};

const BASE_BYTES: f64 = 3e6;

/// The run of a server with exactly the costs of `truth`.
fn run(truth: &Model, point: &Point) -> CalibrationRun {
    let cost = check::predicted(truth, point);
    let workload = point.workload();
    let duration_s = workload.measured().as_secs_f64();
    let count = |per_s: f64| (per_s * duration_s).round() as u64;
    let memory = truth.base_memory_bytes + cost.client_memory_bytes;
    let outcome = RunResult {
        clients: point.clients.into(),
        duration_s,
        published: workload.messages(),
        requests: count(cost.rates.requests),
        empty: count(cost.rates.empty),
        arrivals: count(cost.rates.deliveries),
        wire_bytes_in: count(cost.wire_bytes_in_per_s),
        wire_bytes_out: count(cost.wire_bytes_out_per_s),
        delay_us: Some(DelayStats {
            p50: (truth.service_s * 1e6) as u64,
            p90: 0,
            p99: 0,
            max: 0,
        }),
        server_cpu_s: Some(cost.cpu.total() * duration_s),
        server_cores: Some(truth.server_cores),
        server_memory_base_bytes: Some(BASE_BYTES as u64),
        server_memory_bytes: Some(memory as u64),
        ..test_fixtures::outcome(point.transport)
    };
    CalibrationRun {
        point: *point,
        outcome,
    }
}

fn truth() -> Model {
    let mut truth = Model::built_in().clone();
    (truth.base_us, truth.publish_us, truth.connect_us) = (400.0, 90.0, 50.0);
    (truth.publish_cold_us, truth.publish_cold_s) = (200.0, 0.05);
    (truth.wake_us, truth.wake_s) = (80.0, 0.001);
    (truth.deep_wake_us, truth.deep_wake_s) = (150.0, 0.016);
    (truth.service_s, truth.base_memory_bytes) = (0.0003, BASE_BYTES + 4e5);
    let asking = Constants {
        request_bytes: 90.0,
        answer_bytes: 220.0,
        message_bytes: 130.0,
        request_us: 6.0,
        answer_us: 3.0,
        message_us: 1.0,
        kib_us: 0.5,
        client_bytes: 6000.0,
        answer_share: 1.2,
        ..Constants::default()
    };
    truth.transports.poll = asking;
    truth.transports.long_poll = Constants {
        request_us: 11.0,
        answer_us: 0.0,
        client_bytes: 7000.0,
        ..asking
    };
    let plain = FormConstants {
        head_kib_us: 2.0,
        ..FormConstants::default()
    };
    let other = |times: f64| FormConstants {
        request_us: 10.0 * times,
        wake_share: 0.4 * times,
        publish_cold_us: 150.0 * times,
        event_us: 3.0 * times,
        connect_us: 200.0 * times,
        head_kib_us: 4.0 * times,
        client_bytes: 20_000.0 * times,
    };
    truth.forms = Some(PerForm {
        http1: plain,
        http1_tls: other(1.0),
        h2: other(1.5),
        h2_tls: other(2.0),
    });
    truth.transports.stream = Constants {
        message_bytes: 150.0,
        keep_alive_bytes: 14.0,
        message_us: 5.0,
        cold_us: 4.0,
        cold_s: 0.3,
        kib_us: 0.3,
        keep_alive_us: 4.0,
        client_bytes: 2500.0,
        ..Constants::default()
    };
    truth
}

fn fitted(runs: &[CalibrationRun]) -> Model {
    model(runs, crate::probe(), "2026-11-25T12:00:00Z".to_owned()).expect("a model")
}

#[test]
fn known_constants_are_found() {
    let truth = truth();
    let runs: Vec<CalibrationRun> = points().iter().map(|point| run(&truth, point)).collect();
    let found = fitted(&runs);
    let near = |name: &str, found: f64, truth: f64| {
        let off = (found - truth).abs() / truth.max(1.0);
        assert!(off < 0.02, "{name}: fitted {found} instead of {truth}");
    };
    near("process", found.base_us, truth.base_us);
    near("publish", found.publish_us, truth.publish_us);
    near("cold publish", found.publish_cold_us, truth.publish_cold_us);
    near("wake", found.wake_us, truth.wake_us);
    near("deep wake", found.deep_wake_us, truth.deep_wake_us);
    near("connect", found.connect_us, truth.connect_us);
    for transport in Transport::ALL {
        let (found, truth) = (
            found.transports.get(transport),
            truth.transports.get(transport),
        );
        near("request bytes", found.request_bytes, truth.request_bytes);
        near("message bytes", found.message_bytes, truth.message_bytes);
        near("request", found.request_us, truth.request_us);
        near("answer", found.answer_us, truth.answer_us);
        near("message", found.message_us, truth.message_us);
        near("cold", found.cold_us, truth.cold_us);
        near("KiB", found.kib_us, truth.kib_us);
        near("keep-alive", found.keep_alive_us, truth.keep_alive_us);
        near("client", found.client_bytes, truth.client_bytes);
    }
    for form in WireForm::ALL {
        let (found, truth) = (found.form(form), truth.form(form));
        near("form: request", found.request_us, truth.request_us);
        near("form: wake", found.wake_share, truth.wake_share);
        near(
            "form: cold publish",
            found.publish_cold_us,
            truth.publish_cold_us,
        );
        near("form: event", found.event_us, truth.event_us);
        near("form: connect", found.connect_us, truth.connect_us);
        near("form: head", found.head_kib_us, truth.head_kib_us);
        near("form: client", found.client_bytes, truth.client_bytes);
    }
    let errors = &found.errors;
    for worst in [
        errors.cpu_worst,
        errors.bytes_worst,
        errors.requests_worst.expect("measured"),
    ] {
        assert!(worst < 0.02, "{errors:?}");
    }
}

#[test]
fn the_lowest_and_highest_of_several_runs_are_ignored() {
    let truth = truth();
    let mut runs = Vec::new();
    for point in &points() {
        let one = run(&truth, point);
        let with_cpu = |factor: f64, limited: bool| {
            let mut other = one.clone();
            other.outcome.server_cpu_s = other.outcome.server_cpu_s.map(|cpu| cpu * factor);
            other.outcome.load = LoadGeneratorStats {
                limited,
                ..other.outcome.load
            };
            other
        };
        runs.extend([
            with_cpu(3.0, false),
            with_cpu(0.1, true),
            one.clone(),
            with_cpu(0.9, false),
        ]);
    }
    let found = fitted(&runs);
    assert_eq!(found.points.len(), points().len());
    assert!(found.points.iter().all(|point| !point.limited));
    assert!(found.errors.cpu_worst < 0.02, "{:?}", found.errors);
}

#[test]
fn a_server_that_differs_from_the_model_shows_an_error() {
    let truth = truth();
    let runs: Vec<CalibrationRun> = points()
        .iter()
        .map(|point| {
            let mut one = run(&truth, point);
            if point.purpose == MeasurePurpose::Check {
                one.outcome.server_cpu_s = one.outcome.server_cpu_s.map(|cpu| cpu * 2.0);
            }
            one
        })
        .collect();
    let errors = fitted(&runs).errors;
    assert!((0.4..0.6).contains(&errors.cpu_median), "{errors:?}");
}

#[test]
fn a_run_of_another_workload_or_with_a_loss_is_refused() {
    let point = &points()[0];
    let sound = test_fixtures::outcome(point.transport);
    assert!(check::ensure_valid(point, &sound).is_ok());
    let refused = |outcome: RunResult| {
        let error = check::ensure_valid(point, &outcome).expect_err("not valid");
        error.to_string()
    };
    let mut short = sound.clone();
    short.publishing.fell_short = true;
    assert!(refused(short).contains("could not be published"));
    let lossy = RunResult {
        missed: 1,
        deliveries: sound.deliveries - 1,
        ..sound
    };
    assert!(refused(lossy).contains("2999 of 3000 messages came"));
}
