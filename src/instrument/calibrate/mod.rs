//! Measures the constants of the cost model on this machine, and how far the model is off.
//!
//! [`points`] are measured one after another, each on its own server. `constants` fits the constants to the
//! measurements, and `check` compares the model with the points that it was not fitted to.

mod check;
mod constants;
mod cpu;
mod fit;
mod forms;
mod observed_rates;
mod points;
mod summary;
#[cfg(test)]
mod tests;

use anyhow::{Result, ensure};

pub use fit::{Observation, fit, residual};
pub use points::{Point, points};
pub use summary::summary;

pub use crate::model::MeasurePurpose;

use crate::model::Model;

use super::{
    CpuPinning, Machine, OwnServer, Progress, RunControl, RunResult, Target, measure, run::limits,
};

/// One run of one point.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct CalibrationRun {
    pub point: Point,
    pub outcome: RunResult,
}

impl CalibrationRun {
    /// 0 if unknown.
    fn cpu_s(&self) -> f64 {
        self.outcome.server_cpu_s.unwrap_or(0.0)
    }
}

/// The points to measure, and the server.
#[derive(Debug, Clone)]
pub struct Calibration<'a> {
    pub server: OwnServer,
    pub points: &'a [Point],
    /// How many times each point is measured.
    pub rounds: u32,
}

impl Calibration<'_> {
    /// Measures.
    ///
    /// # Errors
    ///
    /// Those of [`measure`], and an invalid run, in which not every message reached every client once.
    pub async fn run(
        &self,
        pinning: &CpuPinning,
        control: &RunControl,
    ) -> Result<Vec<CalibrationRun>> {
        // Each run raises the limit for its own clients; the clients of idle points are additional.
        let clients = |is_idle: bool| {
            let own = self
                .points
                .iter()
                .filter(|one| (one.purpose == MeasurePurpose::FitIdle) == is_idle);
            own.map(|one| one.clients).max().unwrap_or(0)
        };
        limits::raise_fd_limit((clients(true) + clients(false)) as usize)?;
        let mut runs = Vec::new();
        let mut measured = 0;
        for round in 1..=self.rounds {
            let (idle, busy): (Vec<&Point>, Vec<&Point>) = self
                .points
                .iter()
                .partition(|point| point.purpose == MeasurePurpose::FitIdle);
            // Idle points run in parallel to the others, because they use almost no CPU for half a minute. Their
            // progress is not shown.
            let aside = RunControl::new(|_| {}, control.stop.clone());
            let idling = async {
                let mut runs = Vec::new();
                for point in idle {
                    runs.push(self.measure(point, round, pinning, &aside).await?);
                }
                anyhow::Ok(runs)
            };
            let measuring = async {
                let mut runs = Vec::new();
                for point in busy {
                    measured += 1;
                    (control.on_progress)(Progress::Run {
                        transport: point.transport,
                        round: measured,
                        rounds: self.runs(),
                    });
                    runs.push(self.measure(point, round, pinning, control).await?);
                }
                anyhow::Ok(runs)
            };
            let (idle, busy) = tokio::try_join!(idling, measuring)?;
            runs.extend(busy);
            runs.extend(idle);
        }
        Ok(runs)
    }

    /// The number of runs whose progress is shown.
    fn runs(&self) -> u32 {
        let busy = self
            .points
            .iter()
            .filter(|point| point.purpose != MeasurePurpose::FitIdle);
        busy.count() as u32 * self.rounds
    }

    async fn measure(
        &self,
        point: &Point,
        round: u32,
        pinning: &CpuPinning,
        control: &RunControl,
    ) -> Result<CalibrationRun> {
        let target = Target::Own(OwnServer {
            tls: point.form.tls,
            protocol: Some(point.form.protocol),
            ..self.server.clone()
        });
        let workload = point.workload();
        let outcome = measure(&target, &workload, point.transport, round, pinning, control).await?;
        ensure!(
            !control.is_stopped(),
            "stopped before there was anything to fit"
        );
        check::ensure_valid(point, &outcome)?;
        Ok(CalibrationRun {
            point: *point,
            outcome,
        })
    }
}

/// For each point, the median run by the server's CPU time, among the runs that the clients did not limit, if there
/// are any. Its CPU time is the mean of the runs without the smallest and the largest, because other work disturbs
/// single runs.
fn trimmed_mean_run(runs: &[CalibrationRun]) -> Vec<CalibrationRun> {
    let mut points: Vec<Point> = Vec::new();
    for run in runs {
        if !points.contains(&run.point) {
            points.push(run.point);
        }
    }
    let of = |point: &Point| {
        let own = runs.iter().filter(|run| run.point == *point);
        let (limited, mut own): (Vec<&CalibrationRun>, Vec<&CalibrationRun>) =
            own.partition(|run| run.outcome.load.limited);
        if own.is_empty() {
            own = limited;
        }
        own.sort_by(|one, other| one.cpu_s().total_cmp(&other.cpu_s()));
        if let [_, inner @ .., _] = own.as_slice()
            && !inner.is_empty()
        {
            own = inner.to_vec();
        }
        let mut trimmed_mean_run = (*own.get((own.len().max(1) - 1) / 2)?).clone();
        if let Some(cpu_s) = &mut trimmed_mean_run.outcome.server_cpu_s {
            *cpu_s = own.iter().map(|run| run.cpu_s()).sum::<f64>() / own.len() as f64;
        }
        Some(trimmed_mean_run)
    };
    points.iter().filter_map(of).collect()
}

/// The model that fits `runs` best.
///
/// # Errors
///
/// If there are too few runs, or the server's CPU time is unknown.
pub fn model(runs: &[CalibrationRun], machine: Machine, measured_at: String) -> Result<Model> {
    let runs = trimmed_mean_run(runs);
    let mut model = constants::fitted(&runs, machine, measured_at)?;
    model.points = check::points(&model, &runs);
    model.errors = check::errors(&model.points);
    Ok(model)
}
