//! The ways to the messages that are compared. The ledger books publishing too: see its `Account`.

pub use poll_vs_sse_model::Transport;
