//! TLS: which certificates to trust, which protocols to offer, and the result of the handshake.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        Resumption,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::CryptoProvider,
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{error::TlsFailure, socket::Socket};
use crate::Protocol;

/// The most sessions that one client remembers.
const SESSIONS: usize = 2;

/// How to speak TLS to one server.
#[derive(Debug, Clone)]
pub struct TlsOptions {
    name: ServerName<'static>,
    config: ClientConfig,
}

/// The outcome of a TLS handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TlsHandshake {
    /// The version for output: `TLS 1.3`.
    pub version: &'static str,
    /// The protocol that the server chose by ALPN, if any.
    pub protocol: Option<Protocol>,
    /// Whether a session was resumed.
    pub is_resumed: bool,
}

impl TlsOptions {
    /// TLS for the server `host`. Its certificate is checked against the system's certificates, or not at all with
    /// `is_insecure`.
    pub fn new(host: &str, is_insecure: bool) -> Result<Self> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .context("TLS is not available")?;
        let mut config = match is_insecure {
            true => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(TrustAnyCertificate(provider)))
                .with_no_client_auth(),
            false => {
                let mut roots = RootCertStore::empty();
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
                builder.with_root_certificates(roots).with_no_client_auth()
            }
        };
        config.resumption = Resumption::in_memory_sessions(SESSIONS);
        let name = ServerName::try_from(host.to_owned())
            .with_context(|| format!("{host} cannot be a name in a certificate"))?;
        Ok(Self { name, config })
    }

    /// The same without its sessions.
    pub fn for_another_client(&self) -> Self {
        let mut other = self.clone();
        other.config.resumption = Resumption::in_memory_sessions(SESSIONS);
        other
    }

    /// Offers only the protocol `wanted`, or, without it, both protocols of a browser.
    pub async fn shake_hands(
        &self,
        socket: Socket,
        wanted: Option<Protocol>,
    ) -> Result<(TlsStream<Socket>, TlsHandshake)> {
        let offered = match wanted {
            Some(only) => vec![only],
            None => vec![Protocol::Http2, Protocol::Http1],
        };
        let mut config = self.config.clone();
        config.alpn_protocols = offered
            .iter()
            .map(|protocol| protocol.as_str().as_bytes().to_vec())
            .collect();
        let connector = TlsConnector::from(Arc::new(config));
        let stream = connector.connect(self.name.clone(), socket).await;
        let stream = stream.map_err(|error| explain(&error, wanted))?;
        let (_, session) = stream.get_ref();
        let negotiated = TlsHandshake {
            version: match session.protocol_version() {
                Some(rustls::ProtocolVersion::TLSv1_2) => "TLS 1.2",
                Some(rustls::ProtocolVersion::TLSv1_3) => "TLS 1.3",
                _ => "TLS",
            },
            protocol: session
                .alpn_protocol()
                .and_then(|name| std::str::from_utf8(name).ok()?.parse().ok()),
            is_resumed: session.handshake_kind() == Some(rustls::HandshakeKind::Resumed),
        };
        Ok((stream, negotiated))
    }
}

fn explain(error: &std::io::Error, wanted: Option<Protocol>) -> anyhow::Error {
    let found = error.get_ref().and_then(|inner| inner.downcast_ref());
    let Some(found) = found else {
        let why = match error.kind() {
            std::io::ErrorKind::UnexpectedEof => "the server closed the connection".to_owned(),
            _ => error.to_string(),
        };
        return TlsFailure {
            why,
            is_certificate: false,
        }
        .into();
    };
    match (found, wanted) {
        (
            rustls::Error::AlertReceived(rustls::AlertDescription::NoApplicationProtocol),
            Some(protocol),
        ) => super::error::WrongProtocol {
            protocol,
            tls: true,
        }
        .into(),
        (rustls::Error::InvalidMessage(_), _) => TlsFailure {
            why: "the server does not speak TLS on this port".to_owned(),
            is_certificate: false,
        }
        .into(),
        (found, _) => TlsFailure {
            why: found.to_string(),
            is_certificate: matches!(found, rustls::Error::InvalidCertificate(_)),
        }
        .into(),
    }
}

/// Accepts any certificate.
#[derive(Debug)]
struct TrustAnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for TrustAnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
