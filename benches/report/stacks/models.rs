//! The cost models of the stacks, fitted to the newest whole run of each: what `plan --stack` computes with.

use std::path::Path;

use anyhow::{Context, Result};
use poll_vs_sse_instrument::model::{Machine, MeasuredRange, StackErrors, StackModel};

use super::super::runs::{self, Found};
use super::super::spread::spread;
use super::catalog::{self, Stack};
use super::{StackRun, SteadyRun, file};

/// The file that is built into the program.
pub const PATH: &str = "src/model/stack_models.json";

/// The text of a message in the bench.
const TEXT_BYTES: f64 = 100.0;
const KIB: f64 = 1024.0;

/// Of all stacks that have every figure a model needs, in the order of the catalog.
pub fn models(root: &Path) -> Result<Vec<StackModel>> {
    let mut all = Vec::new();
    for stack in catalog::read(root)? {
        if let Some(found) = runs::latest::<StackRun>(root, &file(&stack.name))? {
            all.extend(model(&stack, &found));
        }
    }
    Ok(all)
}

/// The file's text.
pub fn text(models: &[StackModel]) -> Result<String> {
    Ok(serde_json::to_string_pretty(models).context("write the stacks' models")? + "\n")
}

/// `None` if the run failed, or lacks a figure: nothing is made up for it.
fn model(stack: &Stack, found: &Found<StackRun>) -> Option<StackModel> {
    let run = &found.run;
    if run.failure.is_some() {
        return None;
    }
    let median = |figure: Option<super::Spread>| figure.map(|it| it.median);
    let delivery_us = median(run.delivery_cpu_us())?;
    let event_bytes = median(run.event_bytes())? - TEXT_BYTES;
    let idle_us = median(run.idle_cpu_ppm())?;
    Some(StackModel {
        name: stack.name.clone(),
        title: stack.title.clone(),
        setup: stack.workers.clone(),
        run: format!("benches/runs/{}", found.directory),
        measured_at: run.about.started_at.to_string(),
        machine: machine(run),
        poll_us: median(run.poll_cpu_us())?,
        poll_answer_bytes: median(run.poll_bytes())?,
        long_poll_us: median(run.steady_cpu_us("long-poll"))?,
        delivery_us,
        event_bytes,
        idle_us,
        stream_memory_bytes: median(run.idle_kib())? * KIB,
        base_memory_bytes: median(spread(
            run.holding.iter().map(|it| it.memory_before_kib as f64),
        ))? * KIB,
        workers: run.starved_above(),
        span: span(run)?,
        errors: errors(run, delivery_us, event_bytes, idle_us)?,
    })
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

/// Between the least and the most of what was measured.
fn span(run: &StackRun) -> Option<MeasuredRange> {
    let rates = run.steady.iter().map(|it| it.rate);
    let rates = rates.chain(
        run.fan_out
            .iter()
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

/// Of streams at a steady rate, which nothing was fitted to.
fn errors(run: &StackRun, delivery_us: f64, event_bytes: f64, idle_us: f64) -> Option<StackErrors> {
    let cpu = run.sound("stream").filter_map(|steady: &SteadyRun| {
        let measured_us = steady.cpu_s? * 1e6;
        // Messages due in the measured time, at this rate, are how long that was.
        let seconds = steady.expected as f64 / steady.clients as f64 / steady.rate;
        let predicted_us =
            steady.arrivals as f64 * delivery_us + steady.clients as f64 * idle_us * seconds;
        Some((predicted_us / measured_us - 1.0).abs())
    });
    let cpu = spread(cpu)?;
    let bytes = run.sound("stream").map(|steady| {
        let measured = steady.wire_bytes as f64 / steady.arrivals as f64;
        ((event_bytes + TEXT_BYTES) / measured - 1.0).abs()
    });
    Some(StackErrors {
        stream_cpu_median: cpu.median,
        stream_cpu_worst: cpu.max,
        stream_bytes_worst: spread(bytes)?.max,
    })
}
