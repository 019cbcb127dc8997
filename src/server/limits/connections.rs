//! Limits on the number of connections, in total and for one client.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use parking_lot::Mutex;

use super::refusals::RefusalReason;
use crate::domain::client_address::ClientAddress;

/// The most connections; `None` is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ConnectionLimits {
    pub total: Option<u32>,
    pub per_client: Option<u32>,
    /// The most connections that are being refused with an answer at a time; `None`: as many as may be open.
    pub refused: Option<u32>,
}

/// Counts connections, and refuses those beyond the limits.
#[derive(Debug, Default)]
pub struct ConnectionCounter {
    limits: ConnectionLimits,
    open: AtomicU32,
    /// The number of connections that are being refused.
    refused: AtomicU32,
    by_client: Mutex<HashMap<ClientAddress, u32>>,
}

/// An open connection, counted for as long as this value lives.
#[derive(Debug)]
pub struct ConnectionPermit {
    counter: Arc<ConnectionCounter>,
    /// Boxed, because it is rarely needed.
    client: Option<Box<ClientAddress>>,
}

/// A client's request through a trusted proxy, counted for as long as this value lives.
#[derive(Debug)]
pub struct ProxiedPermit {
    counter: Arc<ConnectionCounter>,
    client: ClientAddress,
}

/// A connection that is being refused, counted for as long as this value lives.
#[derive(Debug)]
pub struct RefusedPermit {
    counter: Arc<ConnectionCounter>,
}

/// The decision about a new connection.
#[derive(Debug)]
pub enum Admission {
    Admitted(ConnectionPermit),
    /// Answer with the reason, and close it.
    Refused(RefusalReason, RefusedPermit),
    /// Close it without an answer: too many connections are being refused already.
    Dropped(RefusalReason),
}

impl ConnectionCounter {
    /// The fewest connections that can be refused with an answer at a time.
    const MIN_REFUSED: u32 = 64;

    pub fn new(limits: ConnectionLimits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    /// The number of open connections, including those that are being refused.
    pub fn open(&self) -> usize {
        let count = |of: &AtomicU32| of.load(Ordering::Relaxed) as usize;
        count(&self.open) + count(&self.refused)
    }

    /// Counts a new connection. `client` is its client; `None` for a proxy, which serves many clients.
    pub fn admit(self: &Arc<Self>, client: Option<ClientAddress>) -> Admission {
        if add_up_to(&self.open, self.limits.total).is_none() {
            return self.refuse(RefusalReason::Connections);
        }
        let client = client.filter(|_| self.limits.per_client.is_some());
        if let Some(client) = client
            && !self.take_of(client)
        {
            self.open.fetch_sub(1, Ordering::Relaxed);
            return self.refuse(RefusalReason::ConnectionsPerClient);
        }
        Admission::Admitted(ConnectionPermit {
            counter: self.clone(),
            client: client.map(Box::new),
        })
    }

    /// Counts a request from a trusted proxy as a connection of its client. `None`: the client has too many.
    pub fn admit_behind_proxy(self: &Arc<Self>, client: ClientAddress) -> Option<ProxiedPermit> {
        self.take_of(client).then(|| ProxiedPermit {
            counter: self.clone(),
            client,
        })
    }

    fn refuse(self: &Arc<Self>, refusal: RefusalReason) -> Admission {
        let limit = self.limits.total.unwrap_or_default().max(Self::MIN_REFUSED);
        let limit = self
            .limits
            .refused
            .map_or(limit, |refused| refused.min(limit));
        match add_up_to(&self.refused, Some(limit)) {
            Some(()) => {
                let counter = self.clone();
                Admission::Refused(refusal, RefusedPermit { counter })
            }
            None => Admission::Dropped(refusal),
        }
    }

    fn take_of(&self, client: ClientAddress) -> bool {
        let limit = self.limits.per_client.unwrap_or(u32::MAX);
        let mut by_client = self.by_client.lock();
        let count = by_client.entry(client).or_default();
        if *count >= limit {
            return false;
        }
        *count += 1;
        true
    }

    fn give_back(&self, client: ClientAddress) {
        let mut by_client = self.by_client.lock();
        if let Some(count) = by_client.get_mut(&client) {
            *count -= 1;
            if *count == 0 {
                by_client.remove(&client);
            }
        }
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        self.counter.open.fetch_sub(1, Ordering::Relaxed);
        if let Some(client) = &self.client {
            self.counter.give_back(**client);
        }
    }
}

impl Drop for ProxiedPermit {
    fn drop(&mut self) {
        self.counter.give_back(self.client);
    }
}

impl Drop for RefusedPermit {
    fn drop(&mut self) {
        self.counter.refused.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Adds one to `count`. `None` if that would exceed `limit`.
fn add_up_to(count: &AtomicU32, limit: Option<u32>) -> Option<()> {
    let limit = limit.unwrap_or(u32::MAX);
    let next = |count: u32| (count < limit).then(|| count + 1);
    let taken = count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
    taken.ok().map(|_| ())
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn client(last: u8) -> Option<ClientAddress> {
        Some(IpAddr::from([192, 0, 2, last]).into())
    }

    fn counter(total: Option<u32>, per_client: Option<u32>) -> Arc<ConnectionCounter> {
        Arc::new(ConnectionCounter::new(ConnectionLimits {
            total,
            per_client,
            refused: None,
        }))
    }

    fn refusal(admission: &Admission) -> Option<RefusalReason> {
        match admission {
            Admission::Admitted(_) => None,
            Admission::Refused(refusal, _) | Admission::Dropped(refusal) => Some(*refusal),
        }
    }

    #[test]
    fn a_connection_that_ends_makes_room_for_another() {
        let counter = counter(Some(2), None);
        let (first, _second) = (counter.admit(client(1)), counter.admit(client(1)));
        assert_eq!(
            refusal(&counter.admit(client(2))),
            Some(RefusalReason::Connections)
        );
        drop(first);
        assert_eq!(refusal(&counter.admit(client(2))), None);
    }

    #[test]
    fn a_client_at_its_limit_takes_nothing_from_others() {
        let counter = counter(Some(10), Some(1));
        let first = counter.admit(client(1));
        for _ in 0..20 {
            let refused = refusal(&counter.admit(client(1)));
            assert_eq!(refused, Some(RefusalReason::ConnectionsPerClient));
        }
        assert_eq!(refusal(&counter.admit(client(2))), None);
        drop(first);
        assert_eq!(refusal(&counter.admit(client(1))), None);
        assert!(counter.by_client.lock().is_empty());
    }

    #[test]
    fn a_proxys_connection_is_nobodys_and_its_requests_are_their_clients() {
        let counter = counter(None, Some(1));
        let proxy: Vec<Admission> = (0..5).map(|_| counter.admit(None)).collect();
        assert!(proxy.iter().all(|it| refusal(it).is_none()));
        let client = client(1).expect("an address");
        let first = counter.admit_behind_proxy(client);
        assert!(first.is_some() && counter.admit_behind_proxy(client).is_none());
        drop(first);
        assert!(counter.admit_behind_proxy(client).is_some());
    }

    #[test]
    fn connections_that_are_refused_are_bounded_too() {
        let counter = counter(Some(1), None);
        let _open = counter.admit(None);
        let refused: Vec<Admission> = (0..ConnectionCounter::MIN_REFUSED)
            .map(|_| counter.admit(None))
            .collect();
        let is_told = |it: &Admission| matches!(it, Admission::Refused(..));
        assert!(refused.iter().all(is_told));
        assert!(matches!(counter.admit(None), Admission::Dropped(_)));
        drop(refused);
        assert!(is_told(&counter.admit(None)));
    }
}
