//! Tests the measuring instrument with servers whose cost and faults are known.

mod audit;
mod bad_input;
mod bytes;
mod calibrate;
mod check;
mod check_real_proxies;
mod command;
mod failures;
mod foreign_forms;
mod known_cost;
mod output;
mod own_server;
mod plan_money;
mod protocols;
mod publishing;
mod scenarios;
mod stopping;
mod support;
mod third_party;
