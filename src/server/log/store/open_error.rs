//! Why a store cannot be opened.

use thiserror::Error;

/// Why a log cannot be served, in one line that begins with its store.
#[derive(Debug, Error)]
#[error("{store}: {detail}")]
pub struct OpenError {
    store: String,
    detail: String,
    flag: &'static str,
}

impl OpenError {
    pub(super) fn new(store: &str, detail: impl ToString) -> Self {
        Self {
            store: store.to_owned(),
            detail: one_line(&detail),
            flag: "--store",
        }
    }

    /// The same, for a fault in the value of another flag than `--store`.
    pub(super) fn at_flag(self, flag: &'static str) -> Self {
        Self { flag, ..self }
    }

    /// The flag whose value is at fault.
    pub fn flag(&self) -> &'static str {
        self.flag
    }
}

/// An error as one line of text.
pub(super) fn one_line(error: &impl ToString) -> String {
    let text = error.to_string();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
