//! Shared by the tests: servers, and clients that see every byte.

pub mod bridge;
pub mod client;
pub mod deployed;
pub mod events;
#[path = "../../support/front.rs"]
pub mod front;
pub mod guarded;
#[path = "../../support/nats.rs"]
pub mod nats;
#[path = "../../support/nats_nodes.rs"]
pub mod nats_nodes;
#[path = "../../support/output.rs"]
pub mod output;
pub mod process;
pub mod protocol_client;
pub mod raw_connection;
pub mod response;
pub mod server;
pub mod signer;

use std::{
    thread,
    time::{Duration, Instant},
};

/// The longest wait for something that should happen immediately.
pub const TEST_TIMEOUT: Duration = Duration::from_secs(20);

/// Polls `condition` until it holds.
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + TEST_TIMEOUT;
    while !condition() {
        assert!(Instant::now() < deadline, "never happened: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A test of the same name on each store: `each_store!(name, |server| { … })`. A closure before that one configures the
/// server.
macro_rules! each_store {
    ($name:ident, |$server:ident| $body:expr) => {
        each_store!($name, |_config| {}, |$server| $body);
    };
    ($name:ident, |$config:ident| $configure:expr, |$server:ident| $body:expr) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            fn check(store: crate::support::server::StoreKind) {
                let configure = |$config: &mut poll_vs_sse_server::config::Config| $configure;
                let served = crate::support::server::Server::with(store, configure);
                let $server = &served;
                $body
            }

            #[test]
            fn on_memory() {
                check(crate::support::server::StoreKind::Memory);
            }

            #[test]
            fn on_sqlite() {
                check(crate::support::server::StoreKind::Sqlite);
            }

            #[test]
            fn on_nats() {
                check(crate::support::server::StoreKind::Nats);
            }
        }
    };
}
pub(crate) use each_store;
