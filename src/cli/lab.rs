//! The lab's page, as the build script made it.

// Without a page its table names no file.
#[allow(unused_imports)]
use poll_vs_sse_server::http::lab::File;
use poll_vs_sse_server::http::lab::Page;

pub static PAGE: Page = include!(concat!(env!("OUT_DIR"), "/lab.rs"));
