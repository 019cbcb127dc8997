//! One-time tickets, which replace a token in an address, where a token must not be.
//!
//! A ticket is valid once, for 30 seconds, and only on the server that issued it.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::identity::Identity;

/// How long a ticket is valid.
pub const TICKET_TTL: Duration = Duration::from_secs(30);
/// The most unused tickets of one token subject, or of one token without a subject.
const MAX_PER_OWNER: u32 = 64;
/// The most unused tickets of all subjects.
const MAX_TICKETS: usize = 50_000;
const RANDOM_BYTES: usize = 24;

/// Why no ticket was issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TicketError {
    #[error("the owner of this token already has {MAX_PER_OWNER} unused tickets")]
    TooManyOfOwner,
    #[error("there are too many unused tickets")]
    TooMany,
    #[error("no random numbers are available for a ticket")]
    NoRandomness,
}

#[derive(Default)]
pub struct TicketTable(Mutex<Tickets>);

/// Tickets are kept by hash, so that the time of a look-up reveals nothing about existing tickets.
type TicketHash = [u8; 32];

#[derive(Default)]
struct Tickets {
    unspent: HashMap<TicketHash, Ticket>,
    /// In the order of expiry; some tickets are already used.
    by_expiry: VecDeque<(Instant, TicketHash)>,
    per_owner: HashMap<Owner, u32>,
}

/// Whose tickets are counted together.
#[derive(PartialEq, Eq, Hash)]
enum Owner {
    Subject(String),
    /// The hash of a token without a subject.
    Token([u8; 32]),
}

struct Ticket {
    identity: Arc<Identity>,
    expires_at: Instant,
}

impl Ticket {
    fn is_valid(&self, now: Instant) -> bool {
        self.expires_at > now && !self.identity.is_expired()
    }
}

impl TicketTable {
    /// Issues a new ticket for the holder of a token.
    pub fn issue(&self, identity: Arc<Identity>) -> Result<String, TicketError> {
        let mut random = [0; RANDOM_BYTES];
        getrandom::fill(&mut random).map_err(|_| TicketError::NoRandomness)?;
        let ticket: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        self.0.lock().add(hash(&ticket), identity, Instant::now())?;
        Ok(ticket)
    }

    /// The holder of a ticket that can still be used.
    pub fn holder(&self, ticket: &str) -> Option<Arc<Identity>> {
        let tickets = self.0.lock();
        let ticket = tickets.unspent.get(&hash(ticket))?;
        ticket
            .is_valid(Instant::now())
            .then(|| ticket.identity.clone())
    }

    /// Uses the ticket up and returns its holder. `None` if it was used, has expired or does not exist.
    pub fn spend(&self, ticket: &str) -> Option<Arc<Identity>> {
        self.0.lock().take(&hash(ticket), Instant::now())
    }

    /// Makes all unused tickets invalid.
    pub fn revoke_all(&self) {
        *self.0.lock() = Tickets::default();
    }
}

impl Tickets {
    fn add(
        &mut self,
        hash: TicketHash,
        identity: Arc<Identity>,
        now: Instant,
    ) -> Result<(), TicketError> {
        self.remove_expired(now);
        if self.unspent.len() >= MAX_TICKETS {
            return Err(TicketError::TooMany);
        }
        let of_owner = self.per_owner.entry(Owner::of(&identity)).or_default();
        if *of_owner >= MAX_PER_OWNER {
            return Err(TicketError::TooManyOfOwner);
        }
        *of_owner += 1;
        let expires_at = now + TICKET_TTL;
        self.by_expiry.push_back((expires_at, hash));
        self.unspent.insert(
            hash,
            Ticket {
                identity,
                expires_at,
            },
        );
        Ok(())
    }

    fn take(&mut self, hash: &TicketHash, now: Instant) -> Option<Arc<Identity>> {
        let ticket = self.unspent.remove(hash)?;
        self.forget_one_of(&ticket.identity);
        ticket.is_valid(now).then_some(ticket.identity)
    }

    fn remove_expired(&mut self, now: Instant) {
        while let Some((expires_at, hash)) = self.by_expiry.front().copied() {
            let is_spent = !self.unspent.contains_key(&hash);
            if expires_at > now && !is_spent {
                break;
            }
            self.by_expiry.pop_front();
            if let Some(ticket) = self.unspent.remove(&hash) {
                self.forget_one_of(&ticket.identity);
            }
        }
        // At most as many used tickets as unused ones stay in the queue.
        if self.by_expiry.len() > 2 * self.unspent.len() + 16 {
            let unspent = &self.unspent;
            self.by_expiry
                .retain(|(_, hash)| unspent.contains_key(hash));
        }
    }

    fn forget_one_of(&mut self, identity: &Identity) {
        let owner = Owner::of(identity);
        if let Some(count) = self.per_owner.get_mut(&owner) {
            *count -= 1;
            if *count == 0 {
                self.per_owner.remove(&owner);
            }
        }
    }
}

fn hash(ticket: &str) -> TicketHash {
    Sha256::digest(ticket).into()
}

impl Owner {
    fn of(identity: &Identity) -> Self {
        match &identity.subject {
            Some(subject) => Self::Subject(subject.clone()),
            None => Self::Token(identity.token_hash),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::identity::RoomGrants;

    fn identity(subject: &str) -> Arc<Identity> {
        Arc::new(Identity {
            subject: Some(subject.to_owned()),
            token_hash: [0; 32],
            rooms: RoomGrants::default(),
            expires_at: u64::MAX,
        })
    }

    #[test]
    fn a_ticket_is_good_once() {
        let tickets = TicketTable::default();
        let ticket = tickets.issue(identity("mina")).expect("a ticket");
        assert_eq!(tickets.holder(&ticket), Some(identity("mina")));
        assert_eq!(tickets.spend(&ticket), Some(identity("mina")));
        assert_eq!(tickets.holder(&ticket), None);
        assert_eq!(tickets.spend(&ticket), None);
        assert_eq!(tickets.spend("x"), None);
    }

    #[test]
    fn a_ticket_expires_and_leaves_nothing() {
        let mut tickets = Tickets::default();
        let begun = Instant::now();
        tickets
            .add(hash("a"), identity("mina"), begun)
            .expect("room");
        assert_eq!(tickets.take(&hash("a"), begun + TICKET_TTL), None);
        tickets
            .add(hash("b"), identity("mina"), begun)
            .expect("room");
        tickets.remove_expired(begun + TICKET_TTL);
        assert!(tickets.unspent.is_empty() && tickets.by_expiry.is_empty());
        assert!(tickets.per_owner.is_empty());
    }

    #[test]
    fn the_unspent_tickets_of_a_subject_are_bounded_and_spending_makes_room() {
        let tickets = TicketTable::default();
        let mina = identity("mina");
        let issued: Vec<String> = (0..MAX_PER_OWNER)
            .map(|_| tickets.issue(mina.clone()).expect("a ticket"))
            .collect();
        let refused = tickets.issue(mina.clone());
        assert_eq!(refused, Err(TicketError::TooManyOfOwner));
        tickets.issue(identity("joon")).expect("another's");
        tickets.spend(&issued[5]).expect("unspent");
        tickets.issue(mina).expect("room again");
    }

    #[test]
    fn tokens_without_a_subject_have_a_limit_each() {
        let tickets = TicketTable::default();
        let of_token = |token| {
            Arc::new(Identity {
                subject: None,
                token_hash: [token; 32],
                rooms: RoomGrants::default(),
                expires_at: u64::MAX,
            })
        };
        for _ in 0..MAX_PER_OWNER {
            tickets.issue(of_token(1)).expect("a ticket");
        }
        let refused = tickets.issue(of_token(1));
        assert_eq!(refused, Err(TicketError::TooManyOfOwner));
        tickets.issue(of_token(2)).expect("another's");
        tickets.issue(identity("")).expect("another's");
    }

    #[test]
    fn spent_tickets_do_not_pile_up() {
        let tickets = TicketTable::default();
        let kept = tickets.issue(identity("joon")).expect("a ticket");
        for _ in 0..1000 {
            let ticket = tickets.issue(identity("mina")).expect("a ticket");
            tickets.spend(&ticket).expect("unspent");
        }
        assert!(tickets.0.lock().by_expiry.len() < 40);
        tickets.spend(&kept).expect("unspent");
    }

    #[test]
    fn the_unspent_tickets_of_all_subjects_are_bounded() {
        let tickets = TicketTable::default();
        let per_subject = MAX_PER_OWNER as usize;
        for number in 0..MAX_TICKETS {
            let subject = identity(&(number / per_subject).to_string());
            tickets.issue(subject).expect("a ticket");
        }
        let refused = tickets.issue(identity("mina"));
        assert_eq!(refused, Err(TicketError::TooMany));
    }
}
