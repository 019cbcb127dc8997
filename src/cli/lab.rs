//! The lab's page, as the build script made it.

// Without a page its table names no file.
use poll_vs_sse_server::http::lab::EmbeddedPage;
#[allow(unused_imports)]
use poll_vs_sse_server::http::lab::File;

pub static PAGE: EmbeddedPage = include!(concat!(env!("OUT_DIR"), "/lab.rs"));
