//! The model compared with the matrix of `cargo bench --bench compare`, in `docs/model.md`: runs that the model was not
//! fitted to.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};
use poll_vs_sse_model::{
    Model, Transport,
    format::{significant, with_thousands},
};
use serde::Deserialize;

use super::bench_load::scenario;

/// The part of a matrix's file that is used here.
#[derive(Deserialize)]
pub struct MatrixFile {
    size_bytes: f64,
    runs: Vec<MatrixRun>,
}

#[derive(Deserialize)]
struct MatrixRun {
    subject: String,
    transport: Transport,
    clients: f64,
    rate: f64,
    interval_s: Option<f64>,
    outcome: RunFigures,
}

#[derive(Deserialize)]
struct RunFigures {
    duration_s: f64,
    server_cpu_s: Option<f64>,
}

/// A transport and its load.
#[derive(Clone, Copy)]
struct MatrixPoint {
    transport: Transport,
    clients: f64,
    rate: f64,
    interval_s: Option<f64>,
}

impl MatrixFile {
    /// The newest committed matrix.
    pub fn last(repository: &Path) -> Result<Self> {
        let entries = fs::read_dir(repository.join("benches/runs"))?;
        let files = entries.map(|entry| Ok(entry?.path().join("compare.json")));
        let files: Vec<_> = files.collect::<Result<_>>()?;
        let last = files.into_iter().filter(|file| file.exists()).max();
        let text = fs::read(last.context("benches/runs has no matrix")?)?;
        serde_json::from_slice(&text).context("cannot read the newest matrix")
    }

    /// All values of `of` over our own server's runs, in ascending order.
    fn all(&self, of: impl Fn(&MatrixRun) -> Option<f64>) -> Vec<f64> {
        let ours = self.runs.iter().filter(|run| run.subject == "poll-vs-sse");
        let mut all: Vec<f64> = ours.filter_map(of).collect();
        all.sort_by(f64::total_cmp);
        all.dedup();
        all
    }

    /// Cores used, as the mean over the repeats.
    fn measured(&self, point: MatrixPoint) -> Option<f64> {
        let runs = self.runs.iter().filter(|run| {
            run.subject == "poll-vs-sse"
                && run.transport == point.transport
                && run.clients == point.clients
                && run.rate == point.rate
                && run.interval_s == point.interval_s
        });
        let cores = runs.filter_map(|run| Some(run.outcome.server_cpu_s? / run.outcome.duration_s));
        let cores: Vec<f64> = cores.collect();
        (!cores.is_empty()).then(|| cores.iter().sum::<f64>() / cores.len() as f64)
    }

    fn computed(&self, model: &Model, point: MatrixPoint) -> f64 {
        let interval_s = point.interval_s.unwrap_or(1.0);
        let scenario = scenario(point.clients, point.rate, self.size_bytes, interval_s);
        model.cost(point.transport, &scenario).cpu.total()
    }
}

/// The ratio of polling's CPU to that of SSE in each cell, measured and computed.
pub fn table(model: &Model, matrix: &MatrixFile) -> String {
    let intervals = matrix.all(|run| run.interval_s);
    let heads = intervals.iter().map(|s| format!("every {s} s | the model"));
    let heads: Vec<String> = heads.collect();
    let mut text = format!(
        "| clients | messages/s | {} |\n|---|---|{}\n",
        heads.join(" | "),
        "---|---|".repeat(intervals.len())
    );
    let (mut ratios, mut agree) = (Vec::new(), 0);
    for clients in matrix.all(|run| Some(run.clients)) {
        for rate in matrix.all(|run| Some(run.rate)) {
            let both = |transport, interval_s| {
                let point = MatrixPoint {
                    transport,
                    clients,
                    rate,
                    interval_s,
                };
                Some((matrix.measured(point)?, matrix.computed(model, point)))
            };
            let cells = intervals.iter().map(|interval_s| {
                let poll = both(Transport::Poll, Some(*interval_s))?;
                let stream = both(Transport::Stream, None)?;
                Some((poll.0 / stream.0, poll.1 / stream.1))
            });
            let cells: Vec<_> = cells.collect();
            for (measured, computed) in cells.iter().flatten() {
                ratios.push((computed / measured).max(measured / computed));
                agree += usize::from((*measured < 1.0) == (*computed < 1.0));
            }
            let cells = cells.iter().map(|cell| match cell {
                Some((measured, computed)) => {
                    format!("{} | {}", significant(*measured), significant(*computed))
                }
                None => "– | –".to_owned(),
            });
            let cells: Vec<String> = cells.collect();
            text += &format!(
                "| {} | {} | {} |\n",
                with_thousands(clients as u64),
                significant(rate),
                cells.join(" | ")
            );
        }
    }
    ratios.sort_by(f64::total_cmp);
    let middle = ratios.get(ratios.len() / 2).copied().unwrap_or(1.0);
    let worst = ratios.last().copied().unwrap_or(1.0);
    format!(
        "In {agree} of {} cells both say the same of which is cheaper. Half of the ratios are off by a factor of less \
         than {}, the worst by {}.\n\n{text}",
        ratios.len(),
        significant(middle),
        significant(worst),
    )
}
