//! The lab's page, as the build script made it.

use poll_vs_sse_server::http::lab::{File, Page};

pub static PAGE: Page = include!(concat!(env!("OUT_DIR"), "/lab.rs"));
