//! `compare --calibrate`: measures, prints what was found, and writes the model.

use std::process::ExitCode;

use anyhow::{Context as _, Result};

use poll_vs_sse_instrument::{
    Destination, Machine, OwnServer, Placement,
    calibrate::{Calibration, POINTS, Run, model, words},
    model::Model,
    output::screen::Screen,
    run::stop::Stop,
};

use crate::cli::exit::{self, fail};

/// What the flags ask for.
#[derive(Debug)]
pub struct Order {
    pub server: OwnServer,
    pub rounds: u32,
    pub model: Destination,
    /// Where every run goes.
    pub json: Option<Destination>,
}

/// Every run, as `--json` writes them.
#[derive(serde::Serialize)]
struct Raw<'a> {
    version: &'a str,
    measured_at: &'a str,
    machine: &'a Machine,
    placement: &'a Placement,
    runs: &'a [Run],
}

/// Measures, prints and writes.
///
/// # Errors
///
/// Where there is no model: nothing is written then.
pub async fn answer(order: &Order, machine: Machine, placement: &Placement) -> Result<ExitCode> {
    let stopped = Stop::listen()?;
    let screen = Screen::new();
    let control = screen.brief_control(&stopped);
    let calibration = Calibration {
        server: order.server.clone(),
        points: &POINTS,
        rounds: order.rounds,
    };
    let measured_at = jiff::Timestamp::now().to_string();
    let runs = calibration.run(placement, &control).await;
    screen.clear();
    let runs = match (runs, stopped.code()) {
        (Ok(runs), None) => runs,
        (_, Some(code)) => return Ok(fail("stopped before there was a model", code)),
        (Err(error), None) => return Err(error),
    };
    let model = model(&runs, machine, measured_at)?;
    print(order, &model);
    let raw = Raw {
        version: &model.version,
        measured_at: &model.measured_at,
        machine: &model.machine,
        placement,
        runs: &runs,
    };
    let written = write(&order.model, serde_json::to_string_pretty(&model)).and_then(|()| {
        match &order.json {
            Some(json) => write(json, serde_json::to_string(&raw)),
            None => Ok(()),
        }
    });
    Ok(match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&format!("{error:#}"), exit::FAILED),
    })
}

fn print(order: &Order, model: &Model) {
    let mut text = words(model) + "\n";
    if model.machine.is_busy() {
        text += "! Other work ran on this machine as the measuring began: CPU is overestimated.\n";
    }
    let limited = model.points.iter().filter(|point| point.limited).count();
    if limited > 0 {
        text += &format!(
            "! At {limited} of {} points the clients, rather than the server, were the limit: measure again \
             when nothing else runs.\n",
            model.points.len()
        );
    }
    let mut all = std::iter::once(&order.model).chain(&order.json);
    if all.any(Destination::is_standard_output) {
        eprint!("{text}");
    } else {
        // A closed pipe is no reason to complain.
        let _ = std::io::Write::write_all(&mut std::io::stdout().lock(), text.as_bytes());
    }
}

fn write(destination: &Destination, json: serde_json::Result<String>) -> Result<()> {
    let mut json = json.context("cannot write the figures down")?;
    json.push('\n');
    destination.write(&json)
}
