//! The routes, as in actix-web's documentation: handlers take extractors and return responses or a
//! [`problem::Problem`]. The work that every request needs is in [`middleware`].

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
