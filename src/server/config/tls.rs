//! The flags for TLS, and the configuration that they make together.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, ValueEnum};

use super::value::{address, choice};
use crate::net::certificate::CertificateSource;

const DEFAULT_BIND: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8443);

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "TLS")]
pub struct TlsFlags {
    /// Address and port to also listen on for TLS [default: 127.0.0.1:8443 if there is a certificate].
    #[arg(long, env = "POLL_VS_SSE_BIND_TLS", value_name = "ADDR:PORT", value_parser = address)]
    bind_tls: Option<SocketAddr>,

    /// `self-signed` makes a certificate at start, for trying TLS out. The log shows its fingerprint, and browsers
    /// ask before they trust it.
    #[arg(
        long,
        env = "POLL_VS_SSE_TLS",
        value_name = "self-signed",
        value_parser = choice::<GeneratedCertificate>()
    )]
    tls: Option<GeneratedCertificate>,

    /// PEM file with the certificate and its chain. SIGHUP reads it and the key again; open connections continue.
    #[arg(long, env = "POLL_VS_SSE_TLS_CERT", value_name = "FILE")]
    tls_cert: Option<PathBuf>,

    /// PEM file with the certificate's private key.
    #[arg(long, env = "POLL_VS_SSE_TLS_KEY", value_name = "FILE")]
    tls_key: Option<PathBuf>,
}

/// A certificate that the server makes itself.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum GeneratedCertificate {
    SelfSigned,
}

/// Where to listen for TLS, and with what certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsConfig {
    pub bind: SocketAddr,
    pub certificate: CertificateSource,
}

impl TlsFlags {
    /// `None` without TLS. The error says in one line what is wrong with the flags.
    pub fn into_config(self) -> Result<Option<TlsConfig>, String> {
        let certificate = match (self.tls, self.tls_cert, self.tls_key) {
            (None, None, None) if self.bind_tls.is_none() => return Ok(None),
            (None, None, None) => {
                return Err(
                    "--bind-tls needs --tls-cert and --tls-key, or --tls self-signed".into(),
                );
            }
            (Some(GeneratedCertificate::SelfSigned), None, None) => CertificateSource::SelfSigned,
            (Some(_), _, _) => {
                return Err(
                    "--tls self-signed cannot be combined with --tls-cert and --tls-key".into(),
                );
            }
            (None, Some(certificate), Some(key)) => CertificateSource::Files { certificate, key },
            (None, Some(_), None) => return Err("--tls-cert needs --tls-key".into()),
            (None, None, Some(_)) => return Err("--tls-key needs --tls-cert".into()),
        };
        Ok(Some(TlsConfig {
            bind: self.bind_tls.unwrap_or(DEFAULT_BIND),
            certificate,
        }))
    }
}
