//! The routes and what their handlers share: bodies, problems, the page.

pub mod body;
pub mod error;
pub mod lab;
pub mod plan;
pub mod publish;
pub mod routes;
