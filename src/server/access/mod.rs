//! Who may read and publish: tokens, the rooms they name, and the tickets that stand in for them.
//!
//! Nothing here knows HTTP. `http` takes a token or a ticket out of a request, asks [`Access`] whose it
//! is, and holds the [`identity::Identity`] it gets against the room that the request is about.

pub mod client_rooms;
pub mod identity;
pub mod keys;
pub mod origins;
pub mod own_origins;
mod ring_crypto;
pub mod tickets;
pub mod tokens;

use std::sync::Arc;

use self::{
    client_rooms::ClientRooms,
    identity::Identity,
    keys::{KeyError, KeySource},
    tickets::TicketTable,
    tokens::{TokenError, TokenVerifier},
};

/// What a token must be to be accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JwtRules {
    pub keys: KeySource,
    pub audience: Option<String>,
    pub issuer: Option<String>,
}

/// What decides who may do what, if not everyone may do everything.
pub struct Access {
    tokens: TokenVerifier,
    pub tickets: TicketTable,
    /// The rooms that each client label was used in.
    pub client_rooms: ClientRooms,
}

impl Access {
    /// # Errors
    ///
    /// The keys cannot be read, or there is none among them.
    pub fn new(rules: JwtRules) -> Result<Self, KeyError> {
        Ok(Self {
            tokens: TokenVerifier::new(rules)?,
            tickets: TicketTable::default(),
            client_rooms: ClientRooms::default(),
        })
    }

    /// Whose token this is.
    pub fn verify(&self, token: &str) -> Result<Arc<Identity>, TokenError> {
        self.tokens.verify(token)
    }

    /// Reads the keys again. After an error the present ones stay.
    pub fn reload_keys(&self) -> Result<usize, KeyError> {
        self.tokens.reload()
    }

    /// Something to be said about the keys in the log.
    pub fn key_warning(&self) -> Option<&'static str> {
        self.tokens.key_warning()
    }
}
