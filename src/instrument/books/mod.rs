//! What clients and the publisher did and got, written down as it happens: `window` says when it
//! counts, `marker` how a message is known again, `order` which is before which, `audit` what one client
//! lacks, has twice or too late, and `recorder` keeps the books of all.

pub mod audit;
pub mod marker;
pub mod order;
pub mod recorder;
pub mod times;
pub mod window;
