//! The measuring instrument, held against servers whose cost and faults are known.

mod audit;
mod bad_input;
mod bytes;
mod calibrate;
mod command;
mod failures;
mod foreign;
mod known_cost;
mod own;
mod publishing;
mod stopping;
mod support;
