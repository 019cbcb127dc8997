//! TLS for one listener: versions 1.2 and 1.3, HTTP/2 and HTTP/1.1 by ALPN, resumption by tickets.

use std::sync::Arc;

use rustls::{
    CipherSuite, ProtocolVersion, ServerConfig, ServerConnection,
    crypto::ring::{Ticketer, default_provider},
};

use super::certificate::CurrentCertificate;

/// Names of HTTP/2 and HTTP/1.1 in ALPN (RFC 7301), the preferred first.
const ALPN: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// The settings of a listener with `certificate`.
///
/// # Errors
///
/// If the system has no entropy for the key of tickets.
pub fn server_config(certificate: Arc<CurrentCertificate>) -> Result<ServerConfig, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(default_provider().into())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(certificate);
    config.alpn_protocols = ALPN.map(<[u8]>::to_vec).to_vec();
    // Tickets hold the session's secrets at the client, so that resumption takes no memory here.
    config.ticketer = Ticketer::new()?;
    // One is enough for a browser, and each more is 210 bytes of a handshake.
    config.send_tls13_tickets = 1;
    Ok(config)
}

/// The parameters of an established connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TlsSession {
    pub is_http2: bool,
    pub is_tls13: bool,
    /// The bytes of a record beyond its plaintext, head included.
    pub record_overhead_bytes: u64,
}

impl TlsSession {
    pub fn from_connection(connection: &ServerConnection) -> Self {
        let is_tls13 = connection.protocol_version() == Some(ProtocolVersion::TLSv1_3);
        let suite = connection.negotiated_cipher_suite();
        Self {
            is_http2: connection.alpn_protocol() == Some(ALPN[0]),
            is_tls13,
            record_overhead_bytes: match suite.map(|suite| suite.suite()) {
                // Head 5, content type 1, tag 16 (RFC 8446, 5.2).
                _ if is_tls13 => 22,
                // Head 5, tag 16; the nonce is implicit (RFC 7905).
                Some(
                    CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256
                    | CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
                ) => 21,
                // Head 5, nonce 8, tag 16 (RFC 5288).
                _ => 29,
            },
        }
    }
}
