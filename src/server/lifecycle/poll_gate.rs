//! The accelerator's gate for polls, on a server that asks for tokens or limits how often clients read.
//!
//! It admits only polls that HTTP would admit. If it is not sure, or a poll must be refused, HTTP handles it.

use std::{net::IpAddr, rc::Rc, sync::Arc, time::Duration};

use crate::{
    access::{Access, identity::Identity, tokens::bearer_token},
    delivery::read_query::ReadQuery,
    domain::client_address::ClientAddress,
    fastpath::PollGate,
    http::policy::Policy,
    ledger::Ledger,
};

/// Checks polls of the accelerator against the policy.
pub struct PolicyGate {
    policy: Arc<Policy>,
    ledger: Arc<Ledger>,
}

impl PolicyGate {
    /// `None` if every poll may be served.
    pub fn from_policy(policy: &Arc<Policy>, ledger: &Arc<Ledger>) -> Option<Rc<dyn PollGate>> {
        match policy.is_open_to_readers() {
            true => None,
            false => Some(Rc::new(Self {
                policy: policy.clone(),
                ledger: ledger.clone(),
            })),
        }
    }
}

impl PollGate for PolicyGate {
    fn admit(
        &self,
        query: &ReadQuery,
        authorization: Option<&str>,
        peer: &dyn Fn() -> Option<IpAddr>,
    ) -> Option<Duration> {
        let policy = &*self.policy;
        let address = || peer().map(ClientAddress::from);
        let table = policy.read_rate.as_ref();
        let identity = match &policy.access {
            None => None,
            Some(access) => {
                let token = bearer_token(authorization?)?;
                let may_verify = || Policy::may_verify(table, address);
                Some(reader(access, query, token, may_verify)?)
            }
        };
        if let Some(table) = table {
            let key = Policy::rate_key(identity.as_deref(), address);
            table.check(key?).ok()?;
        }
        let Some(identity) = identity else {
            return Some(Duration::MAX);
        };
        if let Some(client) = &query.client {
            let client = self.ledger.clients.open(client);
            client.record_rooms(query.rooms.iter());
        }
        Some(identity.lasts_for())
    }
}

/// The holder of the token, if it may read the requested rooms.
fn reader(
    access: &Access,
    query: &ReadQuery,
    token: &str,
    may_verify: impl FnOnce() -> bool,
) -> Option<Arc<Identity>> {
    let identity = access.verify(token, may_verify).ok()?;
    let may_read = query.rooms.iter().all(|room| identity.may_read(room));
    may_read.then_some(identity)
}
