//! Tokens: signed claims about a user and the user's rooms.
//!
//! The server remembers a verified token by its hash until it expires, so that it checks the signature once and not
//! with each poll.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use jsonwebtoken::{Validation, decode, decode_header, errors::ErrorKind};
use lru::LruCache;
use parking_lot::{Mutex, RwLock};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::{
    JwtRules,
    identity::{Identity, RoomGrants},
    keys::{KeyError, KeySet, VerificationKey},
    ring_crypto,
};

/// How far the clocks of issuer and server may be apart.
const LEEWAY_S: u64 = 30;
/// Longer than a header field that browsers and proxies let through.
const MAX_TOKEN_BYTES: usize = 8 * 1024;
/// The most verified tokens that are remembered; the least recently used is forgotten first.
const MAX_REMEMBERED: NonZeroUsize = NonZeroUsize::new(20_000).expect("not zero");
/// The longest `sub`: it is the key of a rate limit.
const MAX_SUBJECT_BYTES: usize = 256;

/// The token in an `Authorization` field. `None` for other schemes, which are for a proxy in front.
pub fn bearer_token(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Why a token is not accepted, in words for its holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TokenError {
    #[error("the token is not a JSON Web Token")]
    Malformed,
    #[error("the token was not verified, because this client sends too many requests")]
    NotVerified,
    #[error("the token is signed with a key or an algorithm that is not accepted here")]
    UnknownKey,
    #[error("the token's signature is not valid")]
    BadSignature,
    #[error("the token has expired")]
    Expired,
    #[error("the token is not valid yet")]
    NotYetValid,
    #[error("the token is for another audience")]
    WrongAudience,
    #[error("the token is from another issuer")]
    WrongIssuer,
    #[error(
        "a claim of the token is missing or not valid: it needs `exp`, and `rooms` as \
             {{\"read\": [\"lobby\", \"team-*\"], \"publish\": [\"lobby\"]}}"
    )]
    BadClaims,
}

#[derive(Deserialize)]
struct Claims {
    sub: Option<String>,
    exp: serde_json::Number,
    #[serde(default)]
    rooms: RoomGrants,
}

/// The keys that were read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReloadedKeys {
    pub count: usize,
    /// Whether their file had another content before.
    pub have_changed: bool,
}

pub struct TokenVerifier {
    rules: JwtRules,
    keys: RwLock<Arc<KeySet>>,
    remembered: Mutex<LruCache<[u8; 32], Arc<Identity>>>,
    /// Incremented when the keys change, so that tokens verified with older keys are not remembered.
    generation: AtomicU64,
}

impl TokenVerifier {
    pub fn new(rules: JwtRules) -> Result<Self, KeyError> {
        ring_crypto::install();
        let keys = Arc::new(rules.keys.load()?);
        Ok(Self {
            rules,
            keys: RwLock::new(keys),
            remembered: Mutex::new(LruCache::new(MAX_REMEMBERED)),
            generation: AtomicU64::new(0),
        })
    }

    /// Reads the keys again. After an error, the present keys stay.
    pub fn reload(&self) -> Result<ReloadedKeys, KeyError> {
        let new = Arc::new(self.rules.keys.load()?);
        let mut keys = self.keys.write();
        let reloaded = ReloadedKeys {
            count: new.keys.len(),
            have_changed: new.file_hash != keys.file_hash,
        };
        *keys = new;
        drop(keys);
        if reloaded.have_changed {
            let mut remembered = self.remembered.lock();
            self.generation.fetch_add(1, Ordering::Relaxed);
            remembered.clear();
        }
        Ok(reloaded)
    }

    pub fn key_warning(&self) -> Option<&'static str> {
        self.keys.read().warning
    }

    /// Returns a token's holder. Calls `may_verify` before it verifies the signature of a token that it does not
    /// remember.
    pub fn verify(
        &self,
        token: &str,
        may_verify: impl FnOnce() -> bool,
    ) -> Result<Arc<Identity>, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::Malformed);
        }
        let hash: [u8; 32] = Sha256::digest(token).into();
        if let Some(identity) = self.remembered.lock().get(&hash) {
            return match identity.is_expired() {
                false => Ok(identity.clone()),
                true => Err(TokenError::Expired),
            };
        }
        if !may_verify() {
            return Err(TokenError::NotVerified);
        }
        let generation = self.generation.load(Ordering::Relaxed);
        let keys = self.keys.read().clone();
        let identity = Arc::new(self.check(token, hash, &keys)?);
        let mut remembered = self.remembered.lock();
        if self.generation.load(Ordering::Relaxed) == generation {
            remembered.put(hash, identity.clone());
        }
        Ok(identity)
    }

    fn check(
        &self,
        token: &str,
        token_hash: [u8; 32],
        keys: &KeySet,
    ) -> Result<Identity, TokenError> {
        let header = decode_header(token).map_err(|_| TokenError::Malformed)?;
        let mut refusal = TokenError::UnknownKey;
        for key in keys.candidates(header.kid.as_deref()) {
            // By the algorithm of the key, whatever the token says.
            match decode::<Claims>(token, &key.key, &self.validation(key)) {
                Ok(verified) => return identity(verified.claims, token_hash),
                Err(error) => match token_error(error.kind()) {
                    // Another key may fit.
                    TokenError::UnknownKey => {}
                    TokenError::BadSignature => refusal = TokenError::BadSignature,
                    other => return Err(other),
                },
            }
        }
        Err(refusal)
    }

    fn validation(&self, key: &VerificationKey) -> Validation {
        let mut validation = Validation::new(key.algorithm);
        validation.leeway = LEEWAY_S;
        validation.validate_nbf = true;
        let mut required = vec!["exp"];
        match &self.rules.audience {
            Some(audience) => {
                validation.set_audience(&[audience]);
                required.push("aud");
            }
            // Without a configured audience, any audience is accepted.
            None => validation.validate_aud = false,
        }
        if let Some(issuer) = &self.rules.issuer {
            validation.set_issuer(&[issuer]);
            required.push("iss");
        }
        validation.set_required_spec_claims(&required);
        validation
    }
}

fn identity(claims: Claims, token_hash: [u8; 32]) -> Result<Identity, TokenError> {
    let exp = claims.exp.as_f64().filter(|exp| *exp >= 0.0);
    let exp = exp.ok_or(TokenError::BadClaims)? as u64;
    if claims
        .sub
        .as_ref()
        .is_some_and(|it| it.len() > MAX_SUBJECT_BYTES)
    {
        return Err(TokenError::BadClaims);
    }
    Ok(Identity {
        subject: claims.sub,
        token_hash,
        rooms: claims.rooms,
        expires_at: exp.saturating_add(LEEWAY_S),
    })
}

fn token_error(kind: &ErrorKind) -> TokenError {
    match kind {
        ErrorKind::InvalidSignature => TokenError::BadSignature,
        ErrorKind::InvalidAlgorithm
        | ErrorKind::InvalidAlgorithmName
        | ErrorKind::UnsupportedAlgorithm
        | ErrorKind::InvalidKeyFormat => TokenError::UnknownKey,
        ErrorKind::ExpiredSignature => TokenError::Expired,
        ErrorKind::ImmatureSignature => TokenError::NotYetValid,
        ErrorKind::InvalidAudience => TokenError::WrongAudience,
        ErrorKind::InvalidIssuer => TokenError::WrongIssuer,
        ErrorKind::MissingRequiredClaim(claim) if claim == "aud" => TokenError::WrongAudience,
        ErrorKind::MissingRequiredClaim(claim) if claim == "iss" => TokenError::WrongIssuer,
        ErrorKind::MissingRequiredClaim(_)
        | ErrorKind::InvalidClaimFormat(_)
        | ErrorKind::Json(_) => TokenError::BadClaims,
        _ => TokenError::Malformed,
    }
}
