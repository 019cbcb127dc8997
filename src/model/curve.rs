//! The busy cores of each transport over a range of one input: the lab's Planner draws these curves, computed in one
//! request.

use serde::Serialize;

use crate::{Model, PerTransport, Question, Transport, plan::estimate};

/// The input that varies along a curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CurveAxis {
    #[serde(rename = "max_delay_s")]
    MaxDelay,
    Clients,
    Rate,
}

/// The points of a curve.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Curve {
    /// The field of the question that varies.
    pub over: CurveAxis,
    /// Its values, rising, evenly spaced on a logarithmic scale.
    pub at: Vec<f64>,
    /// The busy cores at each value; `None` if a transport cannot meet the acceptable delay.
    pub cores: PerTransport<Vec<Option<f64>>>,
}

const POINTS: u32 = 121;

impl CurveAxis {
    pub const ALL: [Self; 3] = [Self::MaxDelay, Self::Clients, Self::Rate];

    /// The name of the parameter and, with hyphens, of the flag.
    pub fn name(self) -> &'static str {
        match self {
            Self::MaxDelay => "max_delay",
            Self::Clients => "clients",
            Self::Rate => "rate",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|axis| axis.name() == name)
    }

    /// The usual range of a curve, which is extended if the question is at its edge or beyond.
    fn usual_range(self) -> [f64; 2] {
        match self {
            Self::MaxDelay => [0.1, 600.0],
            Self::Clients => [10.0, 1e7],
            Self::Rate => [0.001, 1_000.0],
        }
    }

    /// The question's field on this axis.
    fn field_mut(self, question: &mut Question) -> &mut f64 {
        match self {
            Self::MaxDelay => &mut question.max_delay_s,
            Self::Clients => &mut question.clients,
            Self::Rate => &mut question.rate,
        }
    }
}

impl Curve {
    pub fn new(model: &Model, question: &Question, over: CurveAxis) -> Self {
        let mut question = *question;
        let asked = *over.field_mut(&mut question);
        let [usual_least, usual_most] = over.usual_range();
        let least = usual_least.min(asked / 2.0);
        let most = usual_most.max(asked * 2.0);
        let value = |point: u32| {
            let share = f64::from(point) / f64::from(POINTS - 1);
            least * (most / least).powf(share)
        };
        let at: Vec<f64> = (0..POINTS).map(value).collect();
        let mut cores = |transport| {
            let points = at.iter().map(|value| {
                *over.field_mut(&mut question) = *value;
                cores_busy(model, &question, transport)
            });
            points.collect::<Vec<_>>()
        };
        let cores = PerTransport {
            poll: cores(Transport::Poll),
            long_poll: cores(Transport::LongPoll),
            stream: cores(Transport::Stream),
        };
        Self { over, at, cores }
    }
}

/// Over all servers. `None` if no polling interval is short enough.
fn cores_busy(model: &Model, question: &Question, transport: Transport) -> Option<f64> {
    let estimate = estimate(model, question, transport);
    let is_possible = transport != Transport::Poll || estimate.interval_s.is_some();
    is_possible.then_some(estimate.cores)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ServerSize, plan};

    #[test]
    fn a_curve_goes_through_the_answer_to_the_question() {
        let model = Model::built_in();
        let one_server = Question {
            // The middle of the usual range on a logarithmic scale is a point of the curve.
            clients: 10_000.0,
            ..Question::default()
        };
        let several = Question {
            rate: 1000.0,
            max_delay_s: 0.5,
            server: ServerSize {
                cores: 1.0,
                ..one_server.server
            },
            ..one_server
        };
        for question in [one_server, several] {
            let curve = Curve::new(model, &question, CurveAxis::Clients);
            assert_eq!(curve.at.len(), 121);
            assert!((curve.at[60] / question.clients - 1.0).abs() < 1e-9);
            let plan = plan(model, &question);
            for transport in Transport::ALL {
                let at = curve.cores.get(transport)[60].expect("possible");
                let estimate = plan.transports.get(transport);
                let has_one = estimate.servers == Some(1.0);
                assert_eq!(has_one, question == one_server, "{estimate:?}");
                assert!((at / estimate.cores - 1.0).abs() < 1e-9, "{transport}");
            }
        }
    }

    #[test]
    fn polling_has_no_point_if_no_interval_is_short_enough() {
        let question = Question {
            round_trip_s: 1.0,
            ..Question::default()
        };
        let curve = Curve::new(Model::built_in(), &question, CurveAxis::MaxDelay);
        assert_eq!(
            curve.cores.poll[0], None,
            "0.1 s with a round trip of half a second"
        );
        assert!(curve.cores.poll[120].is_some() && curve.cores.stream[0].is_some());
    }

    #[test]
    fn a_curve_reaches_beyond_the_question() {
        let question = Question {
            rate: 5_000.0,
            ..Question::default()
        };
        let curve = Curve::new(Model::built_in(), &question, CurveAxis::Rate);
        assert!((curve.at[120] / 10_000.0 - 1.0).abs() < 1e-9);
    }
}
