//! Computes the constants from runs: first bytes, because they are exact; then memory; then CPU; then what each form
//! takes more.

use anyhow::{Context as _, Result};

use super::{
    CalibrationRun, MeasurePurpose,
    cpu::PlainCosts,
    fit::{Observation, fit},
    forms::fit_forms,
    observed_rates::ObservedRates,
};
use crate::{
    Machine, Transport,
    model::{Constants, FORMAT, MeasuredRange, Model, PerTransport, ServerLimits},
};

pub fn fitted(runs: &[CalibrationRun], machine: Machine, measured_at: String) -> Result<Model> {
    let (fitted, forms): (Vec<_>, Vec<_>) = (runs.iter())
        .filter(|run| run.point.is_fitted())
        .partition(|run| run.point.is_plain());
    let first = fitted
        .first()
        .context("there is nothing to fit a model to")?;
    let server_cores = first.outcome.server_cores.unwrap_or(1);
    let mut model = Model {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        measured_at,
        machine,
        server_cores,
        limits: ServerLimits::OWN,
        base_us: 0.0,
        publish_us: 0.0,
        publish_cold_us: 0.0,
        publish_cold_s: 0.0,
        connect_us: 0.0,
        wake_us: 0.0,
        wake_s: 0.0,
        deep_wake_us: 0.0,
        deep_wake_s: 0.0,
        service_s: service_s(&fitted).context("no stream was measured")?,
        base_memory_bytes: 0.0,
        // Both ends of a connection are on this machine, and other processes use the kernel's memory, too.
        kernel_bytes: Model::built_in().kernel_bytes,
        transports: bytes(&fitted),
        forms: None,
        span: span(runs),
        errors: Default::default(),
        points: Vec::new(),
        stack: None,
    };
    memory(&mut model, &fitted)?;
    let plain = PlainCosts::fit(&model, &fitted)?;
    plain.set(&mut model);
    if !forms.is_empty() {
        model.forms = Some(fit_forms(&model, &plain, &forms)?);
    }
    Ok(model)
}

/// The delay with few clients, so that no client waits for another.
fn service_s(runs: &[&CalibrationRun]) -> Option<f64> {
    let streams = runs
        .iter()
        .filter(|run| run.point.transport == Transport::Stream);
    let fewest = streams.min_by_key(|run| run.point.clients)?;
    Some(fewest.outcome.delay_us?.p50 as f64 / 1e6)
}

fn span(runs: &[CalibrationRun]) -> MeasuredRange {
    let span = |of: fn(&CalibrationRun) -> Option<f64>| {
        let all = runs.iter().filter_map(of);
        all.fold([f64::INFINITY, 0.0], |[least, most], one| {
            [least.min(one), most.max(one)]
        })
    };
    MeasuredRange {
        clients: span(|run| Some(run.point.clients.into())),
        rate: span(|run| Some(run.point.rate)),
        size: span(|run| Some(run.point.size as f64)),
        interval_s: span(|run| {
            (run.point.transport == Transport::Poll).then_some(run.point.interval_s)
        }),
    }
}

/// Wire bytes of a request, an answer and a message of each transport.
fn bytes(runs: &[&CalibrationRun]) -> PerTransport<Constants> {
    let plain = |transport| {
        let own = runs.iter().filter(move |run| {
            run.point.transport == transport && matches!(run.point.purpose, MeasurePurpose::Fit)
        });
        own.map(|run| (run.point.size as f64, ObservedRates::from_run(run)))
    };
    let request_bytes = |transport| {
        let rows = plain(transport)
            .map(|(_, rates)| Observation::new([rates.requests], rates.wire_bytes_in));
        fit(&rows.collect::<Vec<_>>())[0]
    };
    // The length of a message's text is known; the bytes around it are not.
    let rows = plain(Transport::Poll).map(|(size, rates)| {
        Observation::new(
            [rates.requests, rates.deliveries],
            rates.wire_bytes_out - rates.deliveries * size,
        )
    });
    let [answer_bytes, poll_message_bytes] = fit(&rows.collect::<Vec<_>>());
    // Nearly every answer to a long-poll has one message, so the two costs cannot be separated; but its answers have
    // the same form as a poll's.
    let message_bytes = |transport, answer_bytes: f64| {
        let rows = plain(transport).map(|(size, rates)| {
            Observation::new(
                [rates.deliveries],
                rates.wire_bytes_out - rates.deliveries * size - rates.requests * answer_bytes,
            )
        });
        fit(&rows.collect::<Vec<_>>())[0]
    };
    PerTransport {
        poll: Constants {
            request_bytes: request_bytes(Transport::Poll),
            answer_bytes,
            message_bytes: poll_message_bytes,
            ..Constants::default()
        },
        long_poll: Constants {
            request_bytes: request_bytes(Transport::LongPoll),
            answer_bytes,
            message_bytes: message_bytes(Transport::LongPoll, answer_bytes),
            ..Constants::default()
        },
        stream: Constants {
            message_bytes: message_bytes(Transport::Stream, 0.0),
            keep_alive_bytes: ServerLimits::OWN.keep_alive_bytes,
            ..Constants::default()
        },
    }
}

fn memory(model: &mut Model, runs: &[&CalibrationRun]) -> Result<()> {
    let mut rows = Vec::new();
    let mut bases = Vec::new();
    for run in runs
        .iter()
        .filter(|run| run.point.purpose != MeasurePurpose::FitConnecting)
    {
        let (point, outcome) = (&run.point, &run.outcome);
        let one = model.transports.get(point.transport);
        let size = point.size as f64;
        let clients = f64::from(point.clients);
        let of = |transport| {
            if transport == point.transport {
                clients
            } else {
                0.0
            }
        };
        let largest = match point.transport {
            Transport::Poll => (point.rate * point.interval_s).max(1.0),
            Transport::LongPoll => 1.0,
            Transport::Stream => 0.0,
        };
        let answer_bytes = largest * one.wire_bytes(size) + one.answer_bytes;
        let buffer = answer_bytes.min(model.limits.write_bytes) * largest.min(1.0);
        // The log is in the same memory, but does not belong to the clients.
        let log = point.rate * outcome.duration_s * one.wire_bytes(size);
        let base = outcome.server_memory_base_bytes;
        let (base, with) = base
            .zip(outcome.server_memory_bytes)
            .context("the server's memory cannot be read on this system")?;
        bases.push(base as f64);
        rows.push(Observation::new(
            [
                1.0,
                of(Transport::Poll),
                of(Transport::LongPoll),
                of(Transport::Stream),
                clients * buffer,
                log,
            ],
            with.saturating_sub(base) as f64,
        ));
    }
    let [process, poll, long_poll, stream, answer_share, _] = fit(&rows);
    bases.sort_by(f64::total_cmp);
    model.base_memory_bytes = bases[bases.len() / 2] + process;
    model.transports.poll.client_bytes = poll;
    model.transports.long_poll.client_bytes = long_poll;
    model.transports.stream.client_bytes = stream;
    model.transports.poll.answer_share = answer_share;
    model.transports.long_poll.answer_share = answer_share;
    Ok(())
}
