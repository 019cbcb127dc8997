//! What clients and the publisher did and got, written down as it happens: `schedule` says when it
//! counts, `tag` how a message is known again, `order` which is before which, `audit` what one client
//! lacks, has twice or too late, and `recorder` counts for all.

pub mod audit;
pub mod counters;
pub mod delay_histogram;
pub mod message_tag;
pub mod recorder;
pub mod restart_watch;
pub mod run_result;
pub mod schedule;
pub mod send_order;
