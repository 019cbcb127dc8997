//! Who may read and publish: tokens, the rooms that they name, and the tickets that replace them.
//!
//! Nothing here depends on HTTP. `http` takes a token or a ticket out of a request, asks [`Access`] for its
//! [`identity::Identity`], and checks whether that identity may use the request's room.

pub mod identity;
pub mod keys;
pub mod origins;
pub mod own_origins;
mod ring_crypto;
pub mod tickets;
pub mod tokens;

use std::sync::Arc;

use self::{
    identity::Identity,
    keys::{KeyError, KeySource},
    tickets::TicketTable,
    tokens::{TokenError, TokenVerifier},
};

/// The rules by which tokens are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JwtRules {
    pub keys: KeySource,
    pub audience: Option<String>,
    pub issuer: Option<String>,
}

/// Decides who may read and publish, if the server asks for tokens.
pub struct Access {
    tokens: TokenVerifier,
    pub tickets: TicketTable,
}

impl Access {
    /// # Errors
    ///
    /// If the keys cannot be read, or the file has none.
    pub fn new(rules: JwtRules) -> Result<Self, KeyError> {
        Ok(Self {
            tokens: TokenVerifier::new(rules)?,
            tickets: TicketTable::default(),
        })
    }

    /// Verifies a token and returns its holder. Unless `may_verify`, it only accepts a token that it has verified
    /// before.
    pub fn verify(
        &self,
        token: &str,
        may_verify: impl FnOnce() -> bool,
    ) -> Result<Arc<Identity>, TokenError> {
        self.tokens.verify(token, may_verify)
    }

    /// Reads the keys again and returns their number. New keys revoke all tickets, because each stands for a token that
    /// an old key verified. After an error, the present keys and tickets stay.
    pub fn reload_keys(&self) -> Result<usize, KeyError> {
        let reloaded = self.tokens.reload()?;
        if reloaded.have_changed {
            self.tickets.revoke_all();
        }
        Ok(reloaded.count)
    }

    /// A warning about the keys, for the log.
    pub fn key_warning(&self) -> Option<&'static str> {
        self.tokens.key_warning()
    }
}
