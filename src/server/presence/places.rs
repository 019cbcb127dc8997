//! The places for members over all rooms, which client addresses share.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;

use crate::domain::client_address::ClientAddress;

/// The most readers remembered over all rooms. Further readers are served, but not listed.
const MAX_MEMBERS: usize = 20_000;

/// Counts the members of each client address. An address may have as many as there are free places; so one address
/// alone gets half of them, and the next half of the rest.
#[derive(Default)]
pub struct PlaceTable(Mutex<TakenPlaces>);

#[derive(Default)]
struct TakenPlaces {
    total: usize,
    by_address: HashMap<Option<ClientAddress>, usize>,
}

/// A member's place, which is taken for as long as this value lives.
pub struct Place {
    table: Arc<PlaceTable>,
    /// `None` if the member's connection has no network address, as in a test.
    address: Option<ClientAddress>,
}

impl PlaceTable {
    /// Takes a place for a member at `address`, if there is one for it.
    pub fn take(self: &Arc<Self>, address: Option<ClientAddress>) -> Option<Place> {
        let mut taken = self.0.lock();
        let of_address = taken.by_address.get(&address).copied().unwrap_or(0);
        if of_address >= MAX_MEMBERS - taken.total {
            return None;
        }
        taken.total += 1;
        taken.by_address.insert(address, of_address + 1);
        let table = self.clone();
        Some(Place { table, address })
    }
}

impl Place {
    pub fn address(&self) -> Option<ClientAddress> {
        self.address
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.table.0.lock();
        taken.total -= 1;
        if let Some(of_address) = taken.by_address.get_mut(&self.address) {
            *of_address -= 1;
            if *of_address == 0 {
                taken.by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{iter::from_fn, net::IpAddr};

    use super::*;

    #[test]
    fn one_address_leaves_places_for_others_and_gives_its_own_back() {
        let table = Arc::new(PlaceTable::default());
        let take = |last: u8| table.take(Some(IpAddr::from([192, 0, 2, last]).into()));
        let first: Vec<Place> = from_fn(|| take(1)).collect();
        assert_eq!(first.len(), MAX_MEMBERS / 2);
        let second: Vec<Place> = from_fn(|| take(2)).collect();
        assert_eq!(second.len(), MAX_MEMBERS / 4);
        assert!(take(1).is_none() && take(3).is_some());
        drop(first);
        assert!(take(2).is_some());
        drop(second);
        let taken = table.0.lock();
        assert_eq!((taken.total, taken.by_address.len()), (0, 0));
    }
}
