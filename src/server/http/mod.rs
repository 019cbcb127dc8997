//! The routes, as actix-web's documentation would have them: extractors in, responses or a
//! [`problem::Problem`] out. What every request needs is [`middleware`].

mod conventions;
mod credentials;
mod extractors;
mod followers;
pub mod health;
mod json;
pub mod lab;
mod ledger;
mod messages;
mod metrics;
pub mod middleware;
mod openapi;
mod plan;
pub mod policy;
mod poll;
mod presence;
pub mod problem;
mod requester;
mod routed_path;
pub mod routes;
mod stream;
mod tickets;
mod trace;
