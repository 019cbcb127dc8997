//! The questions and answers by which the lab's arithmetic is held to this one's (`vectors.json`).
//!
//! After a change of the model or its file:
//! `WRITE_DERIVED=1 cargo test -p poll-vs-sse-model`

use std::{env, fs, path::Path};

use serde_json::Value;

use super::{ArrivalPattern, Model, Plan, Question, ServerSize, plan};

const FILE: &str = "src/model/vectors.json";
/// Digits after which two ways of computing the same may differ.
const PRECISION: f64 = 1e-9;

fn questions() -> Vec<Question> {
    let usual = Question {
        head: crate::RequestHead::Bare,
        ..Question::default()
    };
    let regular = Question {
        spacing: ArrivalPattern::Regular,
        ..usual
    };
    let small = ServerSize {
        cores: 1.0,
        memory_bytes: 536_870_912.0,
        network_bits_per_s: 1e7,
        utilization: 0.5,
    };
    vec![
        usual,
        regular,
        Question {
            clients: 1e6,
            rate: 0.05,
            size: 200.0,
            ..usual
        },
        Question {
            clients: 1e6,
            server: small,
            ..usual
        },
        Question {
            clients: 1e6,
            max_delay_s: 60.0,
            server: small,
            ..regular
        },
        Question {
            max_delay_s: 300.0,
            rate: 0.001,
            ..usual
        },
        Question {
            max_delay_s: 300.0,
            rate: 0.001,
            ..regular
        },
        Question {
            max_delay_s: 30.0,
            rate: 20.0,
            ..usual
        },
        Question {
            max_delay_s: 10.0,
            rate: 10.0,
            size: 16_000.0,
            ..regular
        },
        Question {
            rate: 50.0,
            round_trip_s: 0.08,
            ..usual
        },
        Question {
            rate: 50.0,
            round_trip_s: 0.08,
            ..regular
        },
        Question {
            rate: 0.01,
            round_trip_s: 0.08,
            wait_s: 55.0,
            ..regular
        },
        Question {
            max_delay_s: 0.001,
            ..usual
        },
        Question {
            max_delay_s: 0.05,
            round_trip_s: 0.2,
            ..usual
        },
        Question {
            rate: 1e4,
            clients: 3.0,
            server: small,
            ..usual
        },
    ]
}

#[test]
fn the_shared_answers_are_those_of_this_model() {
    let model = Model::built_in();
    let plans: Vec<Plan> = questions().iter().map(|one| plan(&model, one)).collect();
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(FILE);
    if env::var_os("WRITE_DERIVED").is_some() {
        let text = serde_json::to_string_pretty(&plans).expect("plain values");
        fs::write(&path, text + "\n").expect("written");
    }
    let text = fs::read_to_string(&path).expect("there is a file");
    let shared: Value = serde_json::from_str(&text).expect("JSON");
    let own = serde_json::to_value(&plans).expect("plain values");
    assert_same(&own, &shared, FILE);
}

/// The two are the same, but for the last digits of numbers.
pub fn assert_same(own: &Value, shared: &Value, at: &str) {
    match (own, shared) {
        (Value::Number(own), Value::Number(shared)) => {
            let (own, shared) = (own.as_f64(), shared.as_f64());
            let (own, shared) = own.zip(shared).expect("numbers");
            let size = own.abs().max(shared.abs());
            assert!(
                (own - shared).abs() <= PRECISION * size,
                "{at}: {own}, and in the file {shared}; see the first lines of model/vectors.rs"
            );
        }
        (Value::Array(own), Value::Array(shared)) => {
            assert_eq!(own.len(), shared.len(), "{at}");
            for (number, (own, shared)) in own.iter().zip(shared).enumerate() {
                assert_same(own, shared, &format!("{at}/{number}"));
            }
        }
        (Value::Object(own), Value::Object(shared)) => {
            assert!(own.keys().eq(shared.keys()), "{at}");
            for (name, own) in own {
                assert_same(own, &shared[name], &format!("{at}/{name}"));
            }
        }
        (own, shared) => assert_eq!(own, shared, "{at}"),
    }
}
