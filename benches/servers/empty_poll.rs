//! Empty polls: CPU per poll with nothing new on kept-alive connections, compared with nginx's `return 200` of the same
//! body, and what the request log adds.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use super::Plan;
use super::fanout::{ORDINARY, OTHER};
use super::http;
use super::nginx;
use super::pollers::empty_poll;
use super::polling_side::{CONNECTIONS, PollingSide, SLICE};
use super::rounds::{self, Contender as _, Round, RoundSizes, SideSummary};
use super::servers::OwnServer;

pub const NGINX: &str = "nginx return 200";
/// The second nginx of a self-check.
pub const NGINX_AGAIN: &str = "nginx again";
pub const OURS: &str = "poll-vs-sse";
/// Its log goes to stdout, a pipe that the bench drains on the load's core.
pub const OURS_LOGGING: &str = "poll-vs-sse, request log to a pipe";

const SAMPLE_BODY: &[u8] = br#"{"messages":[],"cursor":"k3x9qa-1","more":false,"reset":null}"#;

/// The results.
#[derive(Debug, Serialize)]
pub struct EmptyPoll {
    pub connections: usize,
    pub requests_per_round: u64,
    pub answers: Vec<AnswerSize>,
    pub rounds: Vec<Round>,
    pub summaries: Vec<SideSummary>,
}

/// The size of one side's answers. All sides send the same body, but not the same head.
#[derive(Debug, Serialize)]
pub struct AnswerSize {
    pub side: String,
    pub head_bytes: usize,
    pub body_bytes: usize,
}

/// Measures nginx against `binary`, or against a second nginx if `binary` is `None`.
pub fn run(plan: &Plan, binary: Option<&Path>) -> Result<EmptyPoll> {
    let mut sides = match binary {
        Some(binary) => ours_and_nginx(plan, binary)?,
        None => vec![
            open_nginx(NGINX, SAMPLE_BODY, plan)?,
            open_nginx(NGINX_AGAIN, SAMPLE_BODY, plan)?,
        ],
    };
    let answers = sides.iter().map(|side| AnswerSize {
        side: side.name().to_owned(),
        head_bytes: side.pollers.answer_bytes() - side.pollers.body().len(),
        body_bytes: side.pollers.body().len(),
    });
    let answers = answers.collect();
    let amounts = RoundSizes {
        rounds: plan.rounds,
        per_round: plan.requests,
        per_slice: SLICE,
    };
    let rounds = rounds::run_alternating(&mut sides, amounts)?;
    Ok(EmptyPoll {
        connections: CONNECTIONS,
        requests_per_round: plan.requests,
        answers,
        summaries: rounds::summaries(&rounds, NGINX),
        rounds,
    })
}

fn ours_and_nginx(plan: &Plan, binary: &Path) -> Result<Vec<PollingSide>> {
    let open_own = |name, binary: &Path, server: OwnServer| {
        let subject = server.start(name, binary, plan.server_core)?;
        let request = empty_poll(subject.address, &[])?;
        PollingSide::open(name, subject, request, plan.spin)
    };
    let quiet = open_own(OURS, binary, OwnServer::default())?;
    let nginx = open_nginx(NGINX, quiet.pollers.body(), plan)?;
    let logging = OwnServer {
        request_log: true,
        ..OwnServer::default()
    };
    let ordinary = OwnServer {
        fast_path: false,
        ..OwnServer::default()
    };
    let mut sides = vec![
        nginx,
        quiet,
        open_own(OURS_LOGGING, binary, logging)?,
        open_own(ORDINARY, binary, ordinary)?,
    ];
    if let Some(binary) = &plan.other_binary {
        sides.push(open_own(OTHER, binary, OwnServer::default())?);
    }
    Ok(sides)
}

fn open_nginx(name: &'static str, body: &[u8], plan: &Plan) -> Result<PollingSide> {
    let body = std::str::from_utf8(body).context("the body is not UTF-8")?;
    ensure!(
        !body.contains(['\'', '\\', '$']),
        "nginx would interpret variables or quotes in this body: {body}"
    );
    let locations = format!("location / {{ return 200 '{body}'; }}");
    let directives = nginx::NginxConfig {
        locations: &locations,
        ..nginx::NginxConfig::default()
    };
    let subject = nginx::start(name, &directives, plan.server_core)?;
    PollingSide::open(name, subject, http::get("/poll"), plan.spin)
}
