//! The contract, through the public door: the real server on a free port, and bytes on a socket.

mod bad_http;
mod by_the_clock;
mod cli;
mod crash;
mod fuzz;
mod gaps;
mod idempotency;
mod leaving;
mod ledger;
mod lines;
mod long_poll;
mod metrics;
mod poll;
mod poll_tags;
mod presence;
mod publish;
mod publish_body;
mod routes;
mod signals;
mod sqlite_file;
mod stream;
mod stream_frames;
mod support;
mod trace;
mod visibility;
mod wire_bytes;
