//! The measurements of other stacks by a committed run of `cargo bench --bench stacks`, and the cost model that
//! follows.
//!
//! `cargo run --example docs` makes `stack_models.json` from the runs. Costs that no run measured count as zero, and
//! [`StackModel::unmeasured`] lists them.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::{
    Constants, Errors, Machine, MeasuredRange, Model, PerTransport, Protocol, Question,
    ServerLimits, server_limits::KEEP_ALIVE_COMMENT, stack_origin::StackOrigin,
};

const MEASURED: &str = include_str!("stack_models.json");

/// One stack, as a run measured it on one core. Times are CPU of the server, microseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StackModel {
    pub name: String,
    pub title: String,
    /// How many processes and threads it had.
    pub setup: String,
    /// The run's directory.
    pub run: String,
    pub measured_at: String,
    pub machine: Machine,
    /// Receiving a message, regardless of its readers.
    pub publish_us: f64,
    /// The extra cost after a long rest; half of it after a rest of `cold_s`.
    pub publish_cold_us: f64,
    /// Waking up for a poll after a long rest; half of it after a rest of `wake_s`.
    pub wake_us: f64,
    pub wake_s: f64,
    /// An empty poll, and the bytes of its answer.
    pub poll_us: f64,
    pub poll_answer_bytes: f64,
    pub long_poll_us: f64,
    /// A message to a stream, and its bytes beyond the text.
    pub delivery_us: f64,
    /// The extra cost after a long rest; half of it after a rest of `cold_s`.
    pub cold_us: f64,
    pub cold_s: f64,
    pub event_bytes: f64,
    /// An idle stream, microseconds a second.
    pub idle_us: f64,
    pub stream_memory_bytes: f64,
    pub base_memory_bytes: f64,
    /// The most streams with which the server still answered other requests, if there is such a limit. A stream and a
    /// waiting long-poll hold a worker; a poll holds one while it is answered.
    pub workers: Option<f64>,
    pub span: MeasuredRange,
    pub errors: StackErrors,
}

/// The model's relative errors at loads that it was not fitted to. `None` if there were none.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct StackErrors {
    pub poll_cpu: Option<StackError>,
    pub long_poll_cpu: Option<StackError>,
    pub stream_cpu: StackError,
    pub stream_bytes_worst: f64,
}

/// The errors over the rounds of one load.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct StackError {
    pub median: f64,
    pub worst: f64,
}

impl StackErrors {
    /// The largest error of the transports.
    fn cpu(&self, of: fn(&StackError) -> f64) -> f64 {
        let all = [self.poll_cpu, self.long_poll_cpu, Some(self.stream_cpu)];
        all.iter().flatten().map(of).fold(0.0, f64::max)
    }
}

/// A stack by its name, for a list to choose from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StackName {
    pub name: &'static str,
    pub title: &'static str,
}

/// The name of our own server among the stacks.
const OWN_SERVER: &str = "poll-vs-sse";

impl StackModel {
    /// All measured stacks, in the order of `docs/stacks.md`.
    ///
    /// # Panics
    ///
    /// Never in a program that was built from a tree whose tests pass.
    pub fn all() -> &'static [Self] {
        static PARSED: LazyLock<Vec<StackModel>> = LazyLock::new(|| {
            serde_json::from_str(MEASURED).expect("a test reads the file that is built in")
        });
        &PARSED
    }

    pub fn names() -> Vec<StackName> {
        let all = Self::all().iter();
        all.map(|stack| StackName {
            name: &stack.name,
            title: &stack.title,
        })
        .collect()
    }

    /// The stack of this name.
    ///
    /// # Errors
    ///
    /// A sentence with the valid names.
    pub fn find(name: &str) -> Result<&'static Self, String> {
        let found = Self::all().iter().find(|stack| stack.name == name);
        found.ok_or_else(|| {
            let names: Vec<&str> = Self::all().iter().map(|stack| &*stack.name).collect();
            format!("must be one of `{}`", names.join("`, `"))
        })
    }

    /// Checks whether `question` uses the protocol that stacks were measured with.
    ///
    /// # Errors
    ///
    /// A sentence that names that protocol.
    pub fn check(question: &Question) -> Result<(), String> {
        match question.form.tls || question.form.protocol != Protocol::Http1 {
            true => Err("was measured over HTTP/1.1 without TLS only".to_owned()),
            false => Ok(()),
        }
    }

    /// The costs that were not measured.
    pub fn unmeasured(&self) -> Vec<String> {
        [
            "Memory of polling and long-polling clients, and of recent messages: counted as zero.",
            "Extra CPU of a poll that brings messages, compared with an empty one: counted as zero.",
            "CPU of a longer text, of a keep-alive and of opening a connection: counted as zero, even if a server closes idle connections between polls.",
            "The time from publishing to the first reader: counted as zero.",
        ]
        .map(str::to_owned)
        .to_vec()
    }

    /// The cost model. A server runs the measured setup once for each of its cores. Our own server has the built-in
    /// model, which was calibrated with more loads and on a quiet machine.
    pub fn model(&self) -> Model {
        if self.name == OWN_SERVER {
            return Model::built_in().clone();
        }
        let own = &Model::built_in().transports;
        let poll = Constants {
            // All stacks have our contract, so their requests are the same as ours.
            request_bytes: own.poll.request_bytes,
            answer_bytes: self.poll_answer_bytes,
            message_bytes: own.poll.message_bytes,
            request_us: self.poll_us,
            ..Constants::default()
        };
        Model {
            format: crate::FORMAT,
            version: self.title.clone(),
            measured_at: self.measured_at.clone(),
            machine: self.machine.clone(),
            server_cores: 1,
            limits: ServerLimits {
                // The memory of recent messages and the time limit of idle connections are unknown.
                tail_bytes: 0.0,
                idle_s: f64::MAX,
                keep_alive_bytes: KEEP_ALIVE_COMMENT.len() as f64,
                ..ServerLimits::OWN
            },
            base_us: 0.0,
            publish_us: self.publish_us,
            publish_cold_us: self.publish_cold_us,
            publish_cold_s: self.cold_s,
            connect_us: 0.0,
            wake_us: self.wake_us,
            wake_s: self.wake_s,
            deep_wake_us: 0.0,
            deep_wake_s: 0.0,
            service_s: 0.0,
            base_memory_bytes: self.base_memory_bytes,
            // The kernel is the same for every server.
            kernel_bytes: Model::built_in().kernel_bytes,
            transports: PerTransport {
                poll,
                long_poll: Constants {
                    request_bytes: own.long_poll.request_bytes,
                    request_us: self.long_poll_us,
                    idle_us: self.idle_us,
                    ..poll
                },
                stream: Constants {
                    message_bytes: self.event_bytes,
                    message_us: self.delivery_us,
                    cold_us: self.cold_us,
                    cold_s: self.cold_s,
                    keep_alive_bytes: KEEP_ALIVE_COMMENT.len() as f64,
                    idle_us: self.idle_us,
                    client_bytes: self.stream_memory_bytes,
                    ..Constants::default()
                },
            },
            forms: None,
            span: self.span,
            errors: Errors {
                cpu_median: self.errors.cpu(|error| error.median),
                cpu_worst: self.errors.cpu(|error| error.worst),
                bytes_worst: self.errors.stream_bytes_worst,
                requests_worst: None,
                matrix: None,
            },
            points: Vec::new(),
            stack: Some(StackOrigin {
                name: self.name.clone(),
                title: self.title.clone(),
                setup: self.setup.clone(),
                workers_per_core: self.workers,
                run: self.run.clone(),
                unmeasured: self.unmeasured(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limit, plan};

    fn named(name: &str) -> Model {
        StackModel::find(name).expect(name).model()
    }

    #[test]
    fn a_stacks_model_reproduces_its_measurements() {
        let express = StackModel::find("express").expect("measured");
        let question = Question {
            clients: 1000.0,
            rate: 1.0,
            max_delay_s: 10.0,
            ..Question::default()
        };
        let plan = plan(&express.model(), &question);
        let polls = plan.transports.poll;
        assert_eq!(polls.rates.requests, 100.0);
        let publish_us =
            express.publish_us + express.publish_cold_us * crate::idle_share(express.cold_s, 1.0);
        let least = (publish_us + 100.0 * express.poll_us) / 1e6;
        let most = least + 100.0 * express.wake_us / 1e6;
        assert!((least..=most).contains(&polls.cores), "{polls:?}");
        let stream = plan.transports.stream;
        let cold_us = express.cold_us * crate::idle_share(express.cold_s, 1.0);
        let each_us = express.delivery_us + cold_us + express.idle_us;
        let expected = (publish_us + 1000.0 * each_us) / 1e6;
        assert!((stream.cores - expected).abs() < 1e-9, "{stream:?}");
    }

    #[test]
    fn our_own_server_has_the_same_plan_as_a_stack() {
        let question = Question::default();
        assert_eq!(
            plan(&named("poll-vs-sse"), &question),
            plan(Model::built_in(), &question)
        );
    }

    #[test]
    fn no_stack_pushes_more_cheaply_than_our_server_without_its_accelerator() {
        let question = Question::default();
        let cores = |name: &str| plan(&named(name), &question).transports.stream.cores;
        let least = cores("poll-vs-sse-plain") / 2.0;
        for stack in StackModel::all() {
            let cores = cores(&stack.name);
            assert!(
                cores > least || stack.name == OWN_SERVER,
                "{}: {cores} cores",
                stack.name
            );
        }
    }

    #[test]
    fn no_transport_fits_if_the_process_alone_does_not() {
        let default = Question::default();
        let question = Question {
            clients: 500.0,
            rate: 0.1,
            server: crate::ServerSize {
                memory_bytes: 0.25 * 1024.0 * 1024.0 * 1024.0,
                ..default.server
            },
            ..default
        };
        let plan = plan(&named("express"), &question);
        for transport in crate::Transport::ALL {
            let one = plan.transports.get(transport);
            assert_eq!(
                (one.servers, one.limit),
                (None, Limit::Memory),
                "{transport}"
            );
        }
    }

    #[test]
    fn workers_are_a_limit_if_a_stream_holds_one() {
        let question = Question {
            clients: 10_000.0,
            rate: 0.01,
            max_delay_s: 60.0,
            ..Question::default()
        };
        let plan = plan(&named("php"), &question);
        let (poll, stream) = (plan.transports.poll, plan.transports.stream);
        assert_eq!(stream.limit, Limit::Workers, "{stream:?}");
        assert!(stream.servers > Some(50.0), "{stream:?}");
        assert!(
            poll.servers < stream.servers && poll.limit != Limit::Workers,
            "{poll:?}"
        );
        assert_eq!(plan.transports.long_poll.limit, Limit::Workers);
    }

    #[test]
    fn an_unknown_stack_is_refused_with_the_valid_names() {
        assert!(
            StackModel::names()
                .iter()
                .any(|one| one.name == "flask-gthread")
        );
        let refused = StackModel::find("cobol").expect_err("unknown");
        assert!(refused.contains("`express`"), "{refused}");
    }
}
