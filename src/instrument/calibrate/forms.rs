//! The CPU and memory that each form takes more than bare requests over HTTP/1.1 without TLS, whose costs are known.

use anyhow::{Context as _, Result};

use super::{
    CalibrationRun, MeasurePurpose,
    cpu::PlainCosts,
    fit::{Observation, fit},
    observed_rates::ObservedRates,
};
use crate::{
    Transport,
    model::{FormConstants, Model, PerForm, US_PER_S, WireForm, idle_share},
};

const KIB: f64 = 1024.0;

/// The constants of each form with a run among `runs`.
pub fn fit_forms(
    model: &Model,
    plain: &PlainCosts,
    runs: &[&CalibrationRun],
) -> Result<PerForm<FormConstants>> {
    let mut forms = PerForm::default();
    for form in WireForm::ALL {
        let own = || runs.iter().copied().filter(|run| run.point.form == form);
        let rows = own().map(|run| row(model, plain, run));
        let [
            request_us,
            wake_share,
            publish_cold_us,
            event_us,
            connect_us,
            head_kib_us,
        ] = fit(&rows.collect::<Vec<_>>());
        *forms.get_mut(form) = FormConstants {
            request_us,
            wake_share,
            publish_cold_us,
            event_us,
            connect_us,
            head_kib_us,
            client_bytes: client_bytes(model, own())?,
        };
    }
    Ok(forms)
}

fn row(model: &Model, plain: &PlainCosts, run: &CalibrationRun) -> Observation<6> {
    let point = &run.point;
    let rates = ObservedRates::from_run(run);
    // Only its head is dearer than a bare request.
    let other = |count: f64| if point.form.is_plain() { 0.0 } else { count };
    let of = |transport, count: f64| match point.transport == transport {
        true => other(count),
        false => 0.0,
    };
    let connects = match point.purpose {
        MeasurePurpose::FitConnecting => rates.requests,
        _ => 0.0,
    };
    let cores = f64::from(model.server_cores);
    let wake_us = rates.idle(cores) * model.asleep_us(rates.requests / cores);
    let cold = idle_share(model.publish_cold_s, rates.published);
    Observation {
        counts: [
            other(rates.requests),
            of(Transport::Poll, rates.requests * wake_us),
            other(rates.published * cold),
            of(Transport::Stream, rates.deliveries),
            connects,
            rates.requests * point.request_size().head_bytes() / KIB,
        ],
        cost: rates.cores * US_PER_S,
        known: plain.predicted(model, run),
    }
}

/// The memory of a connection more than over HTTP/1.1 without TLS, from streams, which have no other buffers.
fn client_bytes<'a>(model: &Model, runs: impl Iterator<Item = &'a CalibrationRun>) -> Result<f64> {
    let mut rows = Vec::new();
    for run in runs.filter(|run| run.point.transport == Transport::Stream) {
        let outcome = &run.outcome;
        let (base, with) = (outcome.server_memory_base_bytes)
            .zip(outcome.server_memory_bytes)
            .context("the server's memory cannot be read on this system")?;
        let clients = f64::from(run.point.clients);
        rows.push(Observation {
            counts: [clients, 1.0],
            cost: with.saturating_sub(base) as f64,
            known: clients * model.transports.stream.client_bytes,
        });
    }
    let [client, _process] = fit(&rows);
    Ok(client)
}
