//! Records what clients and the publisher do and receive: `schedule` decides when it counts, `message_tag` identifies
//! messages, `send_order` orders them, `audit` finds messages that a client lacks, got twice or got too late, and
//! `recorder` counts for all clients.

pub mod audit;
pub mod counters;
pub mod delay_histogram;
pub mod message_tag;
pub mod recorder;
pub mod restart_watch;
pub mod run_result;
pub mod schedule;
pub mod send_order;
