//! The flags for access: tokens, and pages of other origins.

use std::path::PathBuf;

use actix_web::http::Uri;
use clap::{Args, ValueEnum};

use super::value::{choice, plain};
use crate::access::{JwtRules, keys::KeySource, origins::AllowedOrigins};

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Access")]
pub struct AccessFlags {
    /// Who may read and publish: with `off` everyone, with `jwt` the holders of a token (JSON Web Token).
    #[arg(
        long,
        env = "POLL_VS_SSE_AUTH",
        value_name = "off|jwt",
        default_value = "off",
        value_parser = choice::<Auth>()
    )]
    auth: Auth,

    /// File with the secret that signs tokens (HS256). White space at its end is ignored. SIGHUP reads it again.
    #[arg(long, env = "POLL_VS_SSE_JWT_SECRET_FILE", value_name = "FILE")]
    jwt_secret_file: Option<PathBuf>,

    /// File with the public keys of the tokens' issuers, as a JSON Web Key Set (RS256, ES256, EdDSA). SIGHUP reads it
    /// again.
    #[arg(long, env = "POLL_VS_SSE_JWKS", value_name = "FILE")]
    jwks: Option<PathBuf>,

    /// The audience that a token's `aud` must name.
    #[arg(long, env = "POLL_VS_SSE_JWT_AUDIENCE", value_name = "AUD")]
    jwt_audience: Option<String>,

    /// The issuer that a token's `iss` must be.
    #[arg(long, env = "POLL_VS_SSE_JWT_ISSUER", value_name = "ISS")]
    jwt_issuer: Option<String>,

    /// Another origin whose pages may use the server, such as `https://chat.example`. Repeatable; separated by commas
    /// in the environment. `*` allows every page, without cookies.
    #[arg(long = "cors-origin", env = "POLL_VS_SSE_CORS_ORIGIN", value_name = "ORIGIN", value_delimiter = ',', value_parser = origin)]
    cors_origins: Vec<Origin>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Auth {
    Off,
    Jwt,
}

/// An origin as browsers send it, or all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Origin {
    Any,
    One(String),
}

/// Who may read and publish, and from pages of which origins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccessConfig {
    /// `None`: everyone may read and publish.
    pub jwt: Option<JwtRules>,
    pub cors_origins: AllowedOrigins,
}

impl AccessFlags {
    /// The configuration that these flags make together. The error says in one line what is wrong.
    pub fn into_config(self) -> Result<AccessConfig, String> {
        let cors_origins = allowed_origins(&self.cors_origins)?;
        let keys = match (self.jwt_secret_file, self.jwks) {
            (Some(_), Some(_)) => {
                return Err("--jwt-secret-file cannot be combined with --jwks".into());
            }
            (Some(path), None) => Some(KeySource::Secret(path)),
            (None, Some(path)) => Some(KeySource::Jwks(path)),
            (None, None) => None,
        };
        let has_rules = self.jwt_audience.is_some() || self.jwt_issuer.is_some();
        let jwt = match (self.auth, keys) {
            (Auth::Jwt, Some(keys)) => Some(JwtRules {
                keys,
                audience: self.jwt_audience,
                issuer: self.jwt_issuer,
            }),
            (Auth::Jwt, None) => {
                return Err("--auth jwt needs --jwt-secret-file FILE or --jwks FILE".into());
            }
            (Auth::Off, None) if !has_rules => None,
            // An operator who gives a key expects the server to ask for tokens.
            (Auth::Off, _) => {
                return Err("--jwt-… and --jwks go with --auth jwt only".into());
            }
        };
        Ok(AccessConfig { jwt, cors_origins })
    }
}

fn allowed_origins(origins: &[Origin]) -> Result<AllowedOrigins, String> {
    let named: Vec<String> = origins
        .iter()
        .filter_map(|origin| match origin {
            Origin::One(origin) => Some(origin.clone()),
            Origin::Any => None,
        })
        .collect();
    match (named.len() < origins.len(), named.is_empty()) {
        (false, true) => Ok(AllowedOrigins::None),
        (false, false) => Ok(AllowedOrigins::List(named)),
        (true, true) => Ok(AllowedOrigins::Any),
        (true, false) => Err("--cors-origin * cannot be combined with other origins".into()),
    }
}

fn origin(text: &str) -> Result<Origin, String> {
    const EXPECTED: &str = "expected an origin, such as https://chat.example or http://localhost:5173, \
                            without a path; or `*`";
    let text = plain(text);
    if text == "*" {
        return Ok(Origin::Any);
    }
    let (scheme, rest) = text.split_once("://").ok_or(EXPECTED)?;
    let is_scheme = !scheme.is_empty() && scheme.bytes().all(|b| b.is_ascii_alphanumeric());
    let uri: Uri = text.parse().map_err(|_| EXPECTED)?;
    let host = uri.host().unwrap_or_default();
    let is_bare = uri
        .authority()
        .is_some_and(|authority| authority.as_str() == rest);
    if !is_scheme || !is_bare || rest.contains(['@', '*']) || host.is_empty() {
        return Err(EXPECTED.to_owned());
    }
    if rest.ends_with(':') || (rest.len() > host.len() && uri.port_u16().is_none()) {
        return Err(EXPECTED.to_owned());
    }
    let origin = text.to_ascii_lowercase();
    // Browsers leave the usual port out.
    let default_port = match uri.scheme_str().map(str::to_ascii_lowercase).as_deref() {
        Some("http") => ":80",
        Some("https") => ":443",
        _ => return Ok(Origin::One(origin)),
    };
    let origin = origin
        .strip_suffix(default_port)
        .map_or(origin.as_str(), |it| it);
    Ok(Origin::One(origin.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_scheme_a_host_and_a_port() {
        let good = [
            ("https://chat.example", "https://chat.example"),
            ("HTTPS://Chat.Example", "https://chat.example"),
            ("https://chat.example:443", "https://chat.example"),
            ("http://localhost:5173", "http://localhost:5173"),
            ("http://[::1]:3000", "http://[::1]:3000"),
            ("capacitor://localhost", "capacitor://localhost"),
        ];
        for (text, known) in good {
            assert_eq!(origin(text), Ok(Origin::One(known.to_owned())), "{text}");
        }
        assert_eq!(origin("*"), Ok(Origin::Any));
        let bad = [
            "",
            "chat.example",
            "https://",
            "https://chat.example/",
            "https://chat.example/lab",
            "https://chat.example?x",
            "https://*.example",
            "https://mina@chat.example",
            "https://chat.example:",
            "https://chat.example:x",
            "https://chat.example:99999",
            "null",
            "ht tp://x",
        ];
        for text in bad {
            assert!(origin(text).is_err(), "{text}");
        }
    }

    #[test]
    fn every_page_or_named_ones() {
        let one = || Origin::One("https://chat.example".to_owned());
        assert_eq!(allowed_origins(&[]), Ok(AllowedOrigins::None));
        assert_eq!(allowed_origins(&[Origin::Any]), Ok(AllowedOrigins::Any));
        let list = AllowedOrigins::List(vec!["https://chat.example".to_owned()]);
        assert_eq!(allowed_origins(&[one()]), Ok(list));
        assert!(allowed_origins(&[one(), Origin::Any]).is_err());
    }
}
