//! Measures the constants of the cost model on this machine, and how far the model is off.
//!
//! [`POINTS`] are measured one after the other, each on a server of its own; `constants` are fitted to
//! what was counted and used, `check` holds the model against the points it was not fitted to.

mod check;
mod constants;
mod cpu;
mod fit;
mod points;
#[cfg(test)]
mod tests;
mod words;

use anyhow::{Context as _, Result, ensure};

pub use points::{POINTS, Point};
pub use words::words;

pub use crate::model::Purpose;

use crate::model::{Contract, Model};

use super::{
    Control, Machine, Outcome, OwnServer, Placement, Profile, Progress, Target, measure,
    run::limits,
};

/// One run of one point.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Run {
    pub point: Point,
    pub outcome: Outcome,
}

impl Run {
    /// 0 where it is not known.
    fn cpu_s(&self) -> f64 {
        self.outcome.server_cpu_s.unwrap_or(0.0)
    }
}

/// What is measured, and on which server.
#[derive(Debug, Clone)]
pub struct Calibration<'a> {
    pub server: OwnServer,
    pub points: &'a [Point],
    /// How many times each point is measured.
    pub rounds: u32,
}

/// What the server does by its own rules, see `docs/api.md` and `docs/design.md`.
pub const CONTRACT: Contract = Contract {
    page_messages: 200.0,
    page_bytes: 512.0 * 1024.0,
    keep_alive_s: 15.0,
    keep_alive_bytes: 14.0,
    idle_s: 75.0,
    tail_bytes: 64.0 * 1024.0 * 1024.0,
    write_bytes: 16.0 * 1024.0,
};

impl Calibration<'_> {
    /// Measures.
    ///
    /// # Errors
    ///
    /// Those of [`measure`]; and a run in which not every message reached every client once, as that
    /// is no measure of anything.
    pub async fn run(&self, placement: &Placement, control: &Control) -> Result<Vec<Run>> {
        // Each run makes sure of its own; those who are idle are there besides.
        let clients = |is_idle: bool| {
            let own = self
                .points
                .iter()
                .filter(|one| (one.purpose == Purpose::FitIdle) == is_idle);
            own.map(|one| one.clients).max().unwrap_or(0)
        };
        limits::make_room((clients(true) + clients(false)) as usize)?;
        let mut runs = Vec::new();
        let mut measured = 0;
        for round in 1..=self.rounds {
            let (idle, busy): (Vec<&Point>, Vec<&Point>) = self
                .points
                .iter()
                .partition(|point| point.purpose == Purpose::FitIdle);
            // Whoever is idle for half a minute leaves the machine to the others meanwhile. Its
            // progress is nobody's concern.
            let aside = Control::new(|_| {}, control.stop.clone());
            let idling = async {
                let mut runs = Vec::new();
                for point in idle {
                    runs.push(self.measure(point, round, placement, &aside).await?);
                }
                anyhow::Ok(runs)
            };
            let measuring = async {
                let mut runs = Vec::new();
                for point in busy {
                    measured += 1;
                    (control.tell)(Progress::Run {
                        transport: point.transport,
                        round: measured,
                        rounds: self.runs(),
                    });
                    runs.push(self.measure(point, round, placement, control).await?);
                }
                anyhow::Ok(runs)
            };
            let (idle, busy) = tokio::try_join!(idling, measuring)?;
            runs.extend(busy);
            runs.extend(idle);
        }
        Ok(runs)
    }

    /// How many runs follow one another.
    fn runs(&self) -> u32 {
        let busy = self
            .points
            .iter()
            .filter(|point| point.purpose != Purpose::FitIdle);
        busy.count() as u32 * self.rounds
    }

    async fn measure(
        &self,
        point: &Point,
        round: u32,
        placement: &Placement,
        control: &Control,
    ) -> Result<Run> {
        let own = Target::Own(self.server.clone());
        let (target, _server) = match point.purpose {
            Purpose::FitConnecting => {
                let server = self.server.start(placement)?;
                let mut profile = Profile::own();
                let ask = profile.poll.as_mut().context("there is no poll to close")?;
                ask.path += "&connection=close";
                let url = format!("http://{}", server.addr);
                let target = Target::remote(&url, profile, Some(server.pid()))?;
                (target, Some(server))
            }
            Purpose::Fit | Purpose::FitIdle | Purpose::Check => (own, None),
        };
        let workload = point.workload();
        let outcome = measure(
            &target,
            &workload,
            point.transport,
            round,
            placement,
            control,
        )
        .await?;
        ensure!(
            !control.is_stopped(),
            "stopped before there was anything to fit"
        );
        check::usable(point, &outcome)?;
        Ok(Run {
            point: *point,
            outcome,
        })
    }
}

/// Of each point's runs the one in the middle, by the server's CPU time; among those that the clients did
/// not limit, if there are any. Its CPU time is the mean of those that are left without the least and
/// the most, as other work disturbs single runs.
fn typical(runs: &[Run]) -> Vec<Run> {
    let mut points: Vec<Point> = Vec::new();
    for run in runs {
        if !points.contains(&run.point) {
            points.push(run.point);
        }
    }
    let of = |point: &Point| {
        let own = runs.iter().filter(|run| run.point == *point);
        let (limited, mut own): (Vec<&Run>, Vec<&Run>) =
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
        let mut typical = (*own.get((own.len().max(1) - 1) / 2)?).clone();
        if let Some(cpu_s) = &mut typical.outcome.server_cpu_s {
            *cpu_s = own.iter().map(|run| run.cpu_s()).sum::<f64>() / own.len() as f64;
        }
        Some(typical)
    };
    points.iter().filter_map(of).collect()
}

/// The model that fits `runs` best.
///
/// # Errors
///
/// Where there are too few to fit it to, or nothing is known of the server's CPU time.
pub fn model(runs: &[Run], machine: Machine, measured_at: String) -> Result<Model> {
    let runs = typical(runs);
    let mut model = constants::fitted(&runs, machine, measured_at)?;
    model.points = check::points(&model, &runs);
    model.errors = check::errors(&model.points);
    Ok(model)
}
