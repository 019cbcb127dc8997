//! Which counters a request is charged to: those of its account and protocol, and those of its client if it has a
//! label.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use super::{
    Ledger,
    client_table::ClientCounters,
    counters::{Account, Counters, Protocol},
};
use crate::domain::client_label::ClientLabel;

#[derive(Clone)]
pub struct Attribution {
    pub account: Account,
    protocol: Protocol,
    client: Option<Arc<ClientCounters>>,
}

impl Attribution {
    pub fn new(
        ledger: &Ledger,
        account: Account,
        protocol: Protocol,
        label: Option<&ClientLabel>,
    ) -> Self {
        Self {
            account,
            protocol,
            client: label.map(|label| ledger.clients.open(label)),
        }
    }

    /// The label of the client, if it has one.
    pub fn label(&self) -> Option<&ClientLabel> {
        self.client.as_ref().map(|client| &client.label)
    }

    /// Adds `n` to a counter, in the totals and for the client.
    pub fn charge(&self, ledger: &Ledger, counter: fn(&Counters) -> &AtomicU64, n: u64) {
        if n > 0 {
            self.for_each_counter(ledger, |counters| {
                counter(counters).fetch_add(n, Relaxed);
            });
        }
    }

    /// Stops counting a connection as open.
    pub fn release(&self, ledger: &Ledger) {
        self.for_each_counter(ledger, |counters| {
            counters.open.fetch_sub(1, Relaxed);
        });
    }

    fn for_each_counter(&self, ledger: &Ledger, act: impl Fn(&Counters)) {
        act(ledger.totals.get(self.account, self.protocol));
        if let Some(client) = &self.client {
            act(client.counters.get(self.account, self.protocol));
        }
    }
}
