//! The stacks that are compared with our server: each installed one fulfils the small contract, the profiles of the
//! streaming servers match the real programs, and `docs/stacks.md` matches the committed runs.
#![cfg(target_os = "linux")]

#[path = "../../benches/stacks/conformance.rs"]
mod conformance;
#[path = "../../benches/stacks/dialect.rs"]
#[allow(dead_code)] // The bench uses more of it.
mod dialect;
#[path = "../../benches/harness/mod.rs"]
mod harness;
#[path = "../../benches/stacks/publisher.rs"]
mod publisher;
#[path = "../../benches/stacks/reader.rs"]
mod reader;
#[path = "../../benches/stacks/running.rs"]
#[allow(dead_code)]
mod running;

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use harness::{http, process, report, sse, usage};
use poll_vs_sse_instrument::{Profile, Target, Transport, Workload, preflight};
use report::stacks::{self, catalog};
use running::RunningStack;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Starts a stack. If it is not installed, prints that and returns `None`.
fn start(name: &str) -> Option<RunningStack> {
    let all = catalog::read(root()).expect("the list of stacks");
    let stack = all
        .into_iter()
        .find(|stack| stack.name == name)
        .expect("a stack of the list");
    if let Some(missing) = running::missing(root(), &stack).expect("the install script says") {
        // Bypasses the test harness, which shows only the output of failed tests.
        let _ = writeln!(std::io::stderr(), "not tested: {missing}");
        return None;
    }
    let own = PathBuf::from(env!("CARGO_BIN_EXE_poll-vs-sse"));
    Some(RunningStack::start(root(), &stack, &own, None).expect("it starts"))
}

fn check_contract(name: &str) {
    let Some(running) = start(name) else { return };
    for check in conformance::check(&running) {
        assert_eq!(check.failure, None, "{name}: {}", check.name);
    }
}

macro_rules! contract {
    ($($test:ident: $name:literal,)*) => {
        $(#[test]
        fn $test() {
            check_contract($name);
        })*
    };
}

contract! {
    our_own_server_keeps_the_contract_of_the_stacks: "poll-vs-sse",
    express_keeps_the_contract: "express",
    fastify_keeps_the_contract: "fastify",
    hono_keeps_the_contract: "hono",
    fastapi_keeps_the_contract: "fastapi",
    django_keeps_the_contract: "django",
    flask_on_sync_workers_keeps_the_contract: "flask-sync",
    flask_on_threads_keeps_the_contract: "flask-gthread",
    flask_on_gevent_keeps_the_contract: "flask-gevent",
    go_keeps_the_contract: "go",
    php_keeps_the_contract: "php",
    rails_keeps_the_contract: "rails",
    axum_keeps_the_contract: "axum",
    actix_keeps_the_contract: "actix",
}

/// Publishes two messages and reads them over each transport of the profile.
fn check_profile(name: &str, transports: &[Transport]) {
    let Some(running) = start(name) else { return };
    let profile = Profile::load(name).expect("a built-in profile");
    for transport in [Transport::Poll, Transport::LongPoll, Transport::Stream] {
        assert_eq!(
            profile.has(transport),
            transports.contains(&transport),
            "{name}: {transport}"
        );
    }
    let url = format!("http://{}", running.endpoint.address);
    let target = Target::remote(&url, profile, None).expect("a target");
    let workload = Workload {
        transports: transports.to_vec(),
        ..Workload::default()
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let tried = runtime.block_on(preflight(&target, &workload));
    tried.unwrap_or_else(|error| panic!("{name}: {error:#}"));
}

#[test]
fn the_profile_of_nchan_matches_it() {
    check_profile(
        "nchan",
        &[Transport::Poll, Transport::LongPoll, Transport::Stream],
    );
}

#[test]
fn the_profile_of_pushpin_matches_it() {
    check_profile("pushpin", &[Transport::Stream]);
}

#[test]
fn the_profile_of_durable_streams_matches_its_server() {
    check_profile(
        "durable-streams",
        &[Transport::Poll, Transport::LongPoll, Transport::Stream],
    );
}

#[test]
fn the_document_matches_the_newest_full_runs() {
    let due = stacks::page::document(root()).expect("the runs are readable");
    let Some(due) = due else { return };
    let stands = fs::read_to_string(root().join(stacks::page::PATH)).expect("docs/stacks.md");
    assert_eq!(
        stands, due,
        "cargo bench --bench stacks -- --document writes it"
    );
}

#[test]
fn every_listed_stack_has_a_start_script_and_its_code() {
    for stack in catalog::read(root()).expect("the list of stacks") {
        let folder = catalog::directory(root()).join(stack.folder());
        let files = stack.code.iter().map(String::as_str);
        let start = (stack.runtime != catalog::Runtime::Own).then_some("start");
        for file in files.chain(start) {
            assert!(folder.join(file).is_file(), "{}: {file}", stack.name);
        }
    }
}
