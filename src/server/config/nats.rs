//! The flags for the NATS store.

use std::path::PathBuf;

use clap::Args;

use super::value::number;
use crate::log::store::nats::{Options, Secret};

const STREAM: &str = "chat";
const REPLICAS: u8 = 1;

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "The store nats://")]
pub struct NatsFlags {
    /// The JetStream stream. A room's messages are on the subject STREAM.ROOM. If the stream does not exist, the
    /// server creates it with the limits of the retention flags.
    #[arg(
        long,
        env = "POLL_VS_SSE_NATS_STREAM",
        value_name = "NAME",
        default_value = STREAM
    )]
    nats_stream: String,

    /// The number of NATS servers that keep the stream: 1 for a single server, 3 or 5 for a cluster.
    #[arg(long, env = "POLL_VS_SSE_NATS_REPLICAS", value_name = "N", default_value_t = REPLICAS, value_parser = replicas)]
    nats_replicas: u8,

    /// User to log in as, if the address does not name one.
    #[arg(long, env = "POLL_VS_SSE_NATS_USER", value_name = "USER")]
    nats_user: Option<String>,

    /// The user's password. Put it into the environment, where other users cannot see it.
    #[arg(long, env = "POLL_VS_SSE_NATS_PASSWORD", value_name = "PASSWORD", hide_env_values = true, value_parser = secret)]
    nats_password: Option<Secret>,

    /// Token to log in with.
    #[arg(long, env = "POLL_VS_SSE_NATS_TOKEN", value_name = "TOKEN", hide_env_values = true, value_parser = secret)]
    nats_token: Option<Secret>,

    /// Credentials file (a user's JWT and seed) to log in with.
    #[arg(long, env = "POLL_VS_SSE_NATS_CREDS", value_name = "FILE")]
    nats_creds: Option<PathBuf>,

    /// File with a user's NKey seed to log in with.
    #[arg(long, env = "POLL_VS_SSE_NATS_NKEY", value_name = "FILE")]
    nats_nkey: Option<PathBuf>,

    /// Certificates to trust instead of the system's. The connection is then encrypted.
    #[arg(long, env = "POLL_VS_SSE_NATS_TLS_CA", value_name = "FILE")]
    nats_tls_ca: Option<PathBuf>,

    /// Certificate to show to NATS.
    #[arg(
        long,
        env = "POLL_VS_SSE_NATS_TLS_CERT",
        value_name = "FILE",
        requires = "nats_tls_key"
    )]
    nats_tls_cert: Option<PathBuf>,

    /// The certificate's key.
    #[arg(
        long,
        env = "POLL_VS_SSE_NATS_TLS_KEY",
        value_name = "FILE",
        requires = "nats_tls_cert"
    )]
    nats_tls_key: Option<PathBuf>,
}

impl NatsFlags {
    /// The first of these flags that is given.
    pub fn given(&self) -> Option<&'static str> {
        let flags = [
            ("--nats-stream", self.nats_stream != STREAM),
            ("--nats-replicas", self.nats_replicas != REPLICAS),
            ("--nats-user", self.nats_user.is_some()),
            ("--nats-password", self.nats_password.is_some()),
            ("--nats-token", self.nats_token.is_some()),
            ("--nats-creds", self.nats_creds.is_some()),
            ("--nats-nkey", self.nats_nkey.is_some()),
            ("--nats-tls-ca", self.nats_tls_ca.is_some()),
            ("--nats-tls-cert", self.nats_tls_cert.is_some()),
            ("--nats-tls-key", self.nats_tls_key.is_some()),
        ];
        let mut given = flags.into_iter().filter(|(_, is_given)| *is_given);
        given.next().map(|(flag, _)| flag)
    }

    /// The options for connecting to `servers`.
    pub fn options(self, servers: Secret) -> Options {
        Options {
            servers,
            stream: self.nats_stream,
            replicas: usize::from(self.nats_replicas),
            user: self.nats_user,
            password: self.nats_password,
            token: self.nats_token,
            creds: self.nats_creds,
            nkey: self.nats_nkey,
            tls_ca: self.nats_tls_ca,
            tls_cert: self.nats_tls_cert,
            tls_key: self.nats_tls_key,
        }
    }
}

fn replicas(text: &str) -> Result<u8, String> {
    number(text, 1..=5)
}

fn secret(text: &str) -> Result<Secret, std::convert::Infallible> {
    Ok(Secret::new(text))
}
