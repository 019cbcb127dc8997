//! The transports that are compared. The ledger also counts publishing: see its `Account`.

pub use poll_vs_sse_model::Transport;
