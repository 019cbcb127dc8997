//! The keys that tokens are verified with: a shared secret, or the public keys of a JSON Web Key Set.

use std::path::{Path, PathBuf};

use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse},
};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::named_file;

const MAX_KEYS: usize = 64;
/// RFC 7518, 3.2: a key of HS256 is at least as long as its hash.
const RECOMMENDED_SECRET_BYTES: usize = 32;
/// RFC 7518, 3.3.
const MIN_RSA_BYTES: usize = 256;
const P256_COORDINATE_BYTES: usize = 32;
const ED25519_KEY_BYTES: usize = 32;

/// Where the keys come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// The secret of HS256.
    Secret(PathBuf),
    /// A JSON Web Key Set (RFC 7517).
    Jwks(PathBuf),
}

/// Why the keys could not be read: one line that names the file and shows nothing of its content.
#[derive(Debug, Error)]
pub enum KeyError {
    #[error("cannot read {}: {reason}", path.display())]
    Unreadable { path: PathBuf, reason: String },
    #[error("the secret in {} is empty", .0.display())]
    EmptySecret(PathBuf),
    #[error("{} is not a JSON Web Key Set: {reason}", path.display())]
    NotJwks { path: PathBuf, reason: String },
    #[error("{} has no key for RS256, ES256 or EdDSA", .0.display())]
    NoUsableKey(PathBuf),
    #[error("{} has more than {MAX_KEYS} keys", .0.display())]
    TooManyKeys(PathBuf),
    #[error("key {index} in {} cannot be used: {reason}", path.display())]
    BadKey {
        path: PathBuf,
        /// Counted from 1.
        index: usize,
        reason: &'static str,
    },
}

/// A key and its only algorithm: the token does not choose the algorithm.
pub struct VerificationKey {
    pub id: Option<String>,
    pub algorithm: Algorithm,
    pub key: DecodingKey,
}

/// All keys, and a warning for the operator.
pub struct KeySet {
    /// The hash of the file that they come from.
    pub file_hash: [u8; 32],
    pub keys: Vec<VerificationKey>,
    pub warning: Option<&'static str>,
}

impl KeySource {
    pub fn load(&self) -> Result<KeySet, KeyError> {
        let (Self::Secret(path) | Self::Jwks(path)) = self;
        let bytes = read(path)?;
        let (keys, warning) = match self {
            Self::Secret(_) => secret(path, &bytes)?,
            Self::Jwks(_) => (key_set(path, &bytes)?, None),
        };
        Ok(KeySet {
            file_hash: Sha256::digest(&bytes).into(),
            keys,
            warning,
        })
    }
}

impl KeySet {
    /// The keys that may have signed a token with the key id `id`, or without one.
    pub fn candidates<'a>(
        &'a self,
        id: Option<&'a str>,
    ) -> impl Iterator<Item = &'a VerificationKey> {
        self.keys.iter().filter(move |key| match (id, &key.id) {
            (Some(wanted), Some(known)) => wanted == known,
            // A shared secret has no id, and any key may have signed a token without one.
            (Some(_), None) | (None, _) => true,
        })
    }
}

fn read(path: &Path) -> Result<Vec<u8>, KeyError> {
    named_file::read(path).map_err(|error| KeyError::Unreadable {
        path: path.to_owned(),
        reason: error.to_string(),
    })
}

/// The key of a shared secret, and a warning about it.
fn secret(
    path: &Path,
    bytes: &[u8],
) -> Result<(Vec<VerificationKey>, Option<&'static str>), KeyError> {
    let secret = bytes.trim_ascii_end();
    let key = DecodingKey::from_secret(secret);
    let key = key.map_err(|_| KeyError::EmptySecret(path.to_owned()))?;
    let is_short = secret.len() < RECOMMENDED_SECRET_BYTES;
    let key = VerificationKey {
        id: None,
        algorithm: Algorithm::HS256,
        key,
    };
    let warning = is_short.then_some("the secret is shorter than 32 bytes, and might be guessed");
    Ok((vec![key], warning))
}

fn key_set(path: &Path, bytes: &[u8]) -> Result<Vec<VerificationKey>, KeyError> {
    let set: JwkSet = serde_json::from_slice(bytes).map_err(|error| KeyError::NotJwks {
        path: path.to_owned(),
        // Only the position, because the error's message may repeat the content.
        reason: format!("line {}, column {}", error.line(), error.column()),
    })?;
    if set.keys.len() > MAX_KEYS {
        return Err(KeyError::TooManyKeys(path.to_owned()));
    }
    let mut keys = Vec::new();
    for (index, jwk) in set.keys.iter().enumerate() {
        let key = verification_key(jwk).map_err(|reason| KeyError::BadKey {
            path: path.to_owned(),
            index: index + 1,
            reason,
        })?;
        keys.extend(key);
    }
    match keys.is_empty() {
        true => Err(KeyError::NoUsableKey(path.to_owned())),
        false => Ok(keys),
    }
}

/// Converts `jwk`. `None` if the key has another use, as keys in a set may.
fn verification_key(jwk: &Jwk) -> Result<Option<VerificationKey>, &'static str> {
    let is_for_signatures = matches!(
        jwk.common.public_key_use,
        None | Some(PublicKeyUse::Signature)
    );
    let algorithm = match (&jwk.algorithm, jwk.common.key_algorithm) {
        (AlgorithmParameters::RSA(_), None | Some(KeyAlgorithm::RS256)) => Algorithm::RS256,
        (AlgorithmParameters::EllipticCurve(key), None | Some(KeyAlgorithm::ES256))
            if key.curve == EllipticCurve::P256 =>
        {
            Algorithm::ES256
        }
        (AlgorithmParameters::OctetKeyPair(key), None | Some(KeyAlgorithm::EdDSA))
            if key.curve == EllipticCurve::Ed25519 =>
        {
            Algorithm::EdDSA
        }
        _ => return Ok(None),
    };
    if !is_for_signatures {
        return Ok(None);
    }
    let key = DecodingKey::from_jwk(jwk).map_err(|_| "it is not base64url")?;
    check_size(algorithm, &key)?;
    Ok(Some(VerificationKey {
        id: jwk.common.key_id.clone(),
        algorithm,
        key,
    }))
}

fn check_size(algorithm: Algorithm, key: &DecodingKey) -> Result<(), &'static str> {
    use jsonwebtoken::DecodingKeyKind::{RsaModulusExponent, SecretOrDer};
    match (algorithm, key.kind()) {
        (Algorithm::RS256, RsaModulusExponent { n, .. }) => {
            let leading_zeros = n.iter().take_while(|byte| **byte == 0).count();
            match n.len() - leading_zeros >= MIN_RSA_BYTES {
                true => Ok(()),
                false => Err("an RSA key has at least 2048 bits"),
            }
        }
        // The mark of an uncompressed point, x and y.
        (Algorithm::ES256, SecretOrDer(point)) if point.len() == 1 + 2 * P256_COORDINATE_BYTES => {
            Ok(())
        }
        (Algorithm::EdDSA, SecretOrDer(key)) if key.len() == ED25519_KEY_BYTES => Ok(()),
        _ => Err("its length does not fit its type"),
    }
}
