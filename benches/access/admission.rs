//! Empty polls on kept-alive connections to servers that require tokens, have limits, or neither. Sides take turns.

use anyhow::{Context, Result};
use serde_json::json;

use super::harness::program::BenchSetup;
use super::pollers::empty_poll;
use super::polling_side::{CONNECTIONS, PollingSide, SLICE};
use super::report::access::admission::{AccessChecks, AdmissionRun, HttpPath};
use super::report::provenance::Provenance;
use super::rounds::{self, RoundSizes};
use super::servers::OwnServer;
use super::signer::{Signer, now};

const SECRET: &str = "a secret of more than thirty-two bytes";
/// Longer than any run.
const TOKEN_LIFETIME_S: u64 = 24 * 3600;

/// The limits that a deployment sets, but high enough to refuse nothing here.
const LIMITS: [&str; 8] = [
    "--max-connections",
    "10000",
    "--max-connections-per-client",
    "5000",
    "--publish-rate",
    "100000/s",
    "--read-rate",
    "10000000/s",
];

/// The size of the measurement.
#[derive(Clone, Copy)]
pub struct AdmissionSizes {
    pub rounds: usize,
    /// Requests to each side in a round.
    pub requests: u64,
}

pub fn run(setup: &BenchSetup, amount: AdmissionSizes, about: Provenance) -> Result<AdmissionRun> {
    let directory = tempfile::tempdir().context("make a directory for the secret")?;
    let secret = directory.path().join("secret");
    std::fs::write(&secret, SECRET)?;
    let secret = secret.to_str().context("the path is not UTF-8")?;
    let mut sides = Vec::new();
    for way in HttpPath::ALL {
        for guard in AccessChecks::ALL {
            sides.push(open(way, guard, secret, setup)?);
        }
    }
    let amounts = RoundSizes {
        rounds: amount.rounds,
        per_round: amount.requests,
        per_slice: SLICE,
    };
    let rounds = rounds::run_alternating(&mut sides, amounts)?;
    Ok(AdmissionRun {
        about,
        connections: CONNECTIONS,
        requests_per_round: amount.requests,
        token_bytes: token().len(),
        rounds,
    })
}

/// A token as an issuer would give it to a user.
fn token() -> String {
    let claims = json!({
        "sub": "mina",
        "iss": "https://issuer.example",
        "exp": now() + TOKEN_LIFETIME_S,
        "rooms": {"read": ["lobby", "team-*"], "publish": ["lobby"]},
    });
    Signer::secret(SECRET).sign(&claims, &json!({}))
}

fn open(
    way: HttpPath,
    guard: AccessChecks,
    secret: &str,
    setup: &BenchSetup,
) -> Result<PollingSide> {
    let name = AdmissionRun::side(way, guard);
    let tokens = ["--auth", "jwt", "--jwt-secret-file", secret];
    let mut flags: Vec<&str> = Vec::new();
    if guard.has_tokens() {
        flags.extend(tokens);
    }
    if guard.has_limits() {
        flags.extend(LIMITS);
    }
    let server = OwnServer {
        fast_path: way == HttpPath::Accelerator,
        flags: &flags,
        ..OwnServer::default()
    };
    let server = server.start(&name, &setup.binary, setup.core())?;
    let authorization = format!("Bearer {}", token());
    let fields = [("Authorization", authorization.as_str())];
    let fields = if guard.has_tokens() { &fields[..] } else { &[] };
    let request = empty_poll(server.address, fields)?;
    PollingSide::open(&name, server, request, setup.may_spin())
}
