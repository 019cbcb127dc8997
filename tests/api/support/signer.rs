//! Signs tokens as an issuer does, with each kind of key.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    hmac,
    rand::SystemRandom,
    rsa::PublicKeyComponents,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
        RSA_PKCS1_SHA256, RsaKeyPair,
    },
};
use serde_json::{Value, json};

/// A key for tests only; `ring` cannot generate RSA keys.
const RSA_KEY: &[u8] = include_bytes!("keys/rsa.pk8");
const EC_BYTES: usize = 32;

pub enum Signer {
    Secret(Vec<u8>),
    Rsa(Box<RsaKeyPair>),
    Ec(Box<EcdsaKeyPair>),
    Ed(Box<Ed25519KeyPair>),
}

impl Signer {
    pub fn secret(secret: &str) -> Self {
        Self::Secret(secret.into())
    }

    pub fn rsa() -> Self {
        Self::Rsa(Box::new(RsaKeyPair::from_pkcs8(RSA_KEY).expect("a key")))
    }

    pub fn ec() -> Self {
        let (random, algorithm) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
        let key = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("a key");
        let key = EcdsaKeyPair::from_pkcs8(algorithm, key.as_ref(), &random).expect("a key");
        Self::Ec(Box::new(key))
    }

    pub fn ed() -> Self {
        let key = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("a key");
        Self::Ed(Box::new(
            Ed25519KeyPair::from_pkcs8(key.as_ref()).expect("a key"),
        ))
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Self::Secret(_) => "HS256",
            Self::Rsa(_) => "RS256",
            Self::Ec(_) => "ES256",
            Self::Ed(_) => "EdDSA",
        }
    }

    /// The public key as a JSON Web Key.
    pub fn jwk(&self, id: &str) -> Value {
        let mut jwk = match self {
            Self::Secret(_) => panic!("a secret is not public"),
            Self::Rsa(key) => {
                let PublicKeyComponents::<Vec<u8>> { n, e } = key.public_key().into();
                json!({"kty": "RSA", "n": encode(n), "e": encode(e)})
            }
            Self::Ec(key) => {
                let (x, y) = key.public_key().as_ref()[1..].split_at(EC_BYTES);
                json!({"kty": "EC", "crv": "P-256", "x": encode(x), "y": encode(y)})
            }
            Self::Ed(key) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": encode(key.public_key())})
            }
        };
        jwk["kid"] = id.into();
        jwk
    }

    /// A token with these claims. Its header has the fields of `head` in addition to the algorithm.
    pub fn sign(&self, claims: &Value, head: &Value) -> String {
        let mut full = json!({"alg": self.algorithm(), "typ": "JWT"});
        for (name, value) in head.as_object().expect("an object") {
            full[name] = value.clone();
        }
        let message = format!(
            "{}.{}",
            encode(full.to_string()),
            encode(claims.to_string())
        );
        let signature = self.signature(message.as_bytes());
        format!("{message}.{}", encode(signature))
    }

    /// A token for `rooms` that lasts for ten minutes.
    pub fn token(&self, rooms: &Value) -> String {
        self.sign(
            &json!({"sub": "mina", "exp": now() + 600, "rooms": rooms}),
            &json!({}),
        )
    }

    /// Whether this signer's secret made the signature of `token`.
    pub fn has_signed(&self, token: &str) -> bool {
        let parts = token.rsplit_once('.');
        parts.is_some_and(|(message, signature)| {
            encode(self.signature(message.as_bytes())) == signature
        })
    }

    fn signature(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Secret(secret) => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
                hmac::sign(&key, message).as_ref().to_vec()
            }
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .expect("signs");
                signature
            }
            Self::Ec(key) => key.sign(&random, message).expect("signs").as_ref().to_vec(),
            Self::Ed(key) => key.sign(message).as_ref().to_vec(),
        }
    }
}

pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Seconds since the Unix epoch.
pub fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.expect("after 1970").as_secs()
}
