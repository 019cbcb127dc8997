//! The cost models of the stacks, fitted to the newest full run of each. `plan --stack` computes with them.

use std::path::Path;

use anyhow::{Context, Result};
use poll_vs_sse_instrument::model::{
    ArrivalPattern, Machine, MeasuredRange, Model, RequestSize, Scenario, StackError, StackErrors,
    StackModel, Transport, Utilization, WireForm,
};

use super::super::runs::{self, LatestRun};
use super::super::spread::spread;
use super::catalog::{self, Stack};
use super::{CHECKED_POLLS, Purpose, StackRun, SteadyRun, file, fit};

/// The file that is built into the program.
pub const PATH: &str = "src/model/stack_models.json";

/// The text of a message in the bench.
const TEXT_BYTES: f64 = 100.0;
const KIB: f64 = 1024.0;
/// The range of a fitted cost relative to its cost in the closed loop, which includes publishing and idle streams.
const CLOSED_LOOP_RATIOS: (f64, f64) = (0.45, 2.0);

/// The models of all stacks that have every figure a model needs, in the order of the catalog.
pub fn models(root: &Path) -> Result<Vec<StackModel>> {
    let mut all = Vec::new();
    for stack in catalog::read(root)? {
        if let Some(found) = runs::latest::<StackRun>(root, &file(&stack.name))? {
            all.extend(model(&stack, &found));
        }
    }
    Ok(all)
}

/// The content of the file.
pub fn text(models: &[StackModel]) -> Result<String> {
    Ok(serde_json::to_string_pretty(models).context("write the stacks' models")? + "\n")
}

/// `None` if the run failed or lacks a figure.
fn model(stack: &Stack, found: &LatestRun<StackRun>) -> Option<StackModel> {
    let run = &found.run;
    if run.failure.is_some() {
        return None;
    }
    let median = |figure: Option<super::Spread>| figure.map(|it| it.median);
    let idle_us = median(run.idle_cpu_ppm())?;
    let poll = fit::polls(run)?;
    let stream = fit::streams(run, idle_us)?;
    let mut model = StackModel {
        name: stack.name.clone(),
        title: stack.title.clone(),
        setup: stack.workers.clone(),
        run: format!("benches/runs/{}", found.directory),
        measured_at: run.about.started_at.to_string(),
        machine: machine(run),
        publish_us: stream.publish_us,
        publish_cold_us: stream.publish_cold_us,
        poll_us: poll.request_us,
        wake_us: poll.wake_us,
        wake_s: poll.wake_s,
        poll_answer_bytes: median(run.poll_bytes())?,
        long_poll_us: fit::long_poll_us(run, &stream, idle_us)?,
        delivery_us: stream.delivery_us,
        cold_us: stream.cold_us,
        cold_s: stream.cold_s,
        event_bytes: median(run.event_bytes())? - TEXT_BYTES,
        idle_us,
        stream_memory_bytes: median(run.idle_kib())? * KIB,
        base_memory_bytes: median(spread(
            run.holding.iter().map(|it| it.memory_before_kib as f64),
        ))? * KIB,
        workers: run.starved_above(),
        span: measured_range(run)?,
        errors: StackErrors::default(),
    };
    // A fit that attributes polls or deliveries to something else is no model of them.
    let is_near = |fitted_us: f64, closed_loop_us: f64| {
        (CLOSED_LOOP_RATIOS.0..=CLOSED_LOOP_RATIOS.1).contains(&(fitted_us / closed_loop_us))
    };
    if !is_near(model.delivery_us, median(run.delivery_cpu_us())?)
        || !is_near(model.poll_us, median(run.poll_cpu_us())?)
    {
        return None;
    }
    model.errors = stack_errors(run, &model.model())?;
    Some(model)
}

fn machine(run: &StackRun) -> Machine {
    let read = &run.about.machine;
    Machine {
        cores: u32::try_from(read.cores).unwrap_or(1),
        cpu: read.cpu.clone(),
        memory_bytes: None,
        system: "linux".to_owned(),
        kernel: read.kernel.clone(),
        architecture: "unknown".to_owned(),
        load_averages: None,
        open_files: None,
    }
}

/// The range of the measured loads.
fn measured_range(run: &StackRun) -> Option<MeasuredRange> {
    let rates = run.steady.iter().map(|it| it.rate);
    let rates = rates.chain(
        run.paced_fan_out()
            .map(|it| it.messages as f64 * 1e9 / it.wall_ns as f64),
    );
    let rates = spread(rates)?;
    let intervals = spread(
        run.polls
            .iter()
            .map(|it| it.connections as f64 * it.wall_ns as f64 / 1e9 / it.requests as f64),
    )?;
    let streams = spread(run.holding.iter().map(|it| it.most_streams() as f64))?;
    Some(MeasuredRange {
        clients: [1.0, streams.max],
        rate: [rates.min, rates.max],
        size: [TEXT_BYTES, TEXT_BYTES],
        interval_s: [intervals.min, intervals.max],
    })
}

/// The model's errors at loads that it was not fitted to.
fn stack_errors(run: &StackRun, model: &Model) -> Option<StackErrors> {
    let polls = run.polls.iter().filter(|it| it.rate == Some(CHECKED_POLLS));
    let polls = polls.map(|it| {
        let clients = it.connections as f64;
        let seconds = it.wall_ns as f64 / 1e9;
        let asked = Scenario {
            clients,
            // So that nearly all polls are empty.
            rate: f64::MIN_POSITIVE,
            interval_s: clients * seconds / it.requests as f64,
            ..scenario(clients, 1.0)
        };
        let cores = model.cost(Transport::Poll, &asked).cpu.total();
        relative_error(cores, it.cpu_ns as f64 / it.wall_ns as f64)
    });
    let steady = |transport| {
        move |it: &SteadyRun| {
            let asked = scenario(it.clients as f64, it.rate);
            let cores = model.cost(transport, &asked).cpu.total();
            Some(relative_error(cores, it.cpu_s? / it.seconds()))
        }
    };
    let long_polls = run.valid_runs_for("long-poll", Purpose::Check);
    let bytes = run.valid_runs("stream").map(|it| {
        let measured = it.wire_bytes as f64 / it.arrivals as f64;
        relative_error(model.transports.stream.wire_bytes(TEXT_BYTES), measured)
    });
    Some(StackErrors {
        poll_cpu: stack_error(polls),
        long_poll_cpu: stack_error(long_polls.filter_map(steady(Transport::LongPoll))),
        stream_cpu: stack_error(
            run.valid_runs("stream")
                .filter_map(steady(Transport::Stream)),
        )?,
        stream_bytes_worst: spread(bytes)?.max,
    })
}

/// The model's input for a load of this bench.
fn scenario(clients: f64, rate: f64) -> Scenario {
    Scenario {
        clients,
        rate,
        size: TEXT_BYTES,
        spacing: ArrivalPattern::Regular,
        interval_s: 1.0,
        wait_s: 10.0,
        round_trip_s: 0.0,
        closes: false,
        hidden_share: 0.0,
        form: WireForm::default(),
        request_size: RequestSize::Beyond(0.0),
        load: Utilization::single_server(1.0),
    }
}

/// The error of a prediction, as a share of the measured value.
fn relative_error(predicted: f64, measured: f64) -> f64 {
    (predicted / measured - 1.0).abs()
}

fn stack_error(rounds: impl Iterator<Item = f64>) -> Option<StackError> {
    let spread = spread(rounds)?;
    Some(StackError {
        median: spread.median,
        worst: spread.max,
    })
}
