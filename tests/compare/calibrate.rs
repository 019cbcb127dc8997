//! The cost model fitted to our own server, on points small enough for a test.

use poll_vs_sse_instrument::{
    CpuPinning, OwnServer, Protocol, RequestHead, RunControl, Transport,
    calibrate::{Calibration, MeasurePurpose, Point, model},
    model::{Model, WireForm},
    probe,
};

const PLAIN: WireForm = WireForm::new(Protocol::Http1, false);
const OVER_TLS: WireForm = WireForm::new(Protocol::Http2, true);

const fn point(
    transport: Transport,
    clients: u32,
    form: WireForm,
    purpose: MeasurePurpose,
) -> Point {
    Point {
        transport,
        clients,
        rate: 10.0,
        size: 100,
        interval_s: 0.25,
        form,
        head: RequestHead::Bare,
        cookie_bytes: 0,
        purpose,
    }
}

const POINTS: [Point; 8] = [
    point(Transport::Poll, 40, PLAIN, MeasurePurpose::Fit),
    point(Transport::LongPoll, 20, PLAIN, MeasurePurpose::Fit),
    point(Transport::Stream, 30, PLAIN, MeasurePurpose::Fit),
    point(Transport::Poll, 20, PLAIN, MeasurePurpose::FitConnecting),
    point(Transport::Poll, 20, OVER_TLS, MeasurePurpose::FitConnecting),
    point(Transport::Stream, 30, OVER_TLS, MeasurePurpose::Fit),
    point(Transport::Poll, 60, PLAIN, MeasurePurpose::Check),
    point(Transport::Poll, 60, OVER_TLS, MeasurePurpose::Check),
];

#[test]
fn a_calibration_predicts_bytes_and_requests_of_points_it_was_not_fitted_to() {
    let calibration = Calibration {
        server: OwnServer {
            binary: Some(env!("CARGO_BIN_EXE_poll-vs-sse").into()),
            ..OwnServer::default()
        },
        points: &POINTS,
        rounds: 1,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let control = RunControl::default();
    let runs = runtime
        .block_on(calibration.run(&CpuPinning::free(), &control))
        .expect("measured");
    assert_eq!(runs.len(), POINTS.len());
    let model = model(&runs, probe(), "2026-11-25T12:00:00Z".to_owned()).expect("a model");

    // The lengths of heads and JSON do not depend on how busy the machine is.
    let poll = &model.transports.poll;
    assert!((80.0..100.0).contains(&poll.request_bytes), "{poll:?}");
    assert!(model.transports.stream.message_bytes > 100.0, "{model:?}");
    // CPU and memory of such short runs are not checked, because they depend on how busy the machine is.
    assert!(
        poll.request_us + model.wake_us + model.publish_us > 0.0,
        "{model:?}"
    );
    assert!(model.base_memory_bytes > 0.0, "{model:?}");
    assert!(model.form(OVER_TLS).client_bytes > 0.0, "{model:?}");
    // If the load generator was limited, clients skipped polls.
    if !model.points.iter().any(|point| point.limited) {
        let checks = (model.points.iter()).filter(|one| one.purpose == MeasurePurpose::Check);
        for [measured, predicted] in checks.flat_map(|check| {
            let into = (check.has_comparable_requests()).then_some(check.wire_bytes_in_per_s);
            [check.requests_per_s, check.wire_bytes_out_per_s]
                .into_iter()
                .chain(into)
        }) {
            let off = (predicted / measured - 1.0).abs();
            assert!(off < 0.1, "{measured} {predicted}");
        }
        assert!(model.errors.bytes_worst < 0.1);
    }

    let written = serde_json::to_string(&model).expect("plain values");
    assert_eq!(Model::parse(&written).expect("a model file"), model);
}
