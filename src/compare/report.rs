//! The page that `--report` writes.

use super::{Document, table};

/// One file that needs no network.
pub fn page(document: &Document) -> String {
    maud::html! {
        (maud::DOCTYPE)
        title { "poll-vs-sse compare" }
        pre { (table::table(document)) }
        p { (document.verdict) }
    }
    .into_string()
}
