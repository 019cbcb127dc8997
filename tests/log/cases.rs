//! Runs a test many times: on random cases, and with every setup.

use std::future::Future;

use proptest::{
    strategy::Strategy,
    test_runner::{Config, TestRunner},
};

use crate::fixture::{LogSetup, StoreKind};

/// Runs this many random cases. PROPTEST_CASES=20000 searches longer.
pub fn run_cases<S: Strategy, F: Future<Output = ()>>(
    kind: StoreKind,
    cases: u32,
    strategy: &S,
    run_case: impl Fn(S::Value) -> F,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    let asked = std::env::var("PROPTEST_CASES");
    let cases = asked.map_or(cases, |cases| cases.parse().expect("a number"));
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        // On NATS each case takes long, so shrinking is limited.
        max_shrink_iters: if matches!(kind, StoreKind::Nats) {
            20
        } else {
            2000
        },
        ..Config::default()
    });
    let result = runner.run(strategy, |case| {
        runtime.block_on(run_case(case));
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
}

/// Runs with and without retention, and with tails of every size.
pub fn run_setups(kind: StoreKind, run_case: impl Fn(LogSetup)) {
    for retained in [None, Some(20)] {
        for tail_bytes in [0, 3000, 1 << 20] {
            run_case(LogSetup {
                kind,
                retained,
                tail_bytes,
            });
        }
    }
}
