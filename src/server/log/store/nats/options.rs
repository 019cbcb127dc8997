//! How to reach NATS and which stream to use, as the operator gave it. Secrets are never shown.

use std::{fmt, path::PathBuf, time::Duration};

use async_nats::{ConnectOptions, ServerAddr};
use percent_encoding::percent_decode_str;

use crate::{log::store::OpenError, named_file};

/// How long connecting may take, once.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How often an idle connection is pinged; after three pings without an answer, it is given up.
const PING_INTERVAL: Duration = Duration::from_secs(1);
const MAX_RECONNECT_DELAY: Duration = Duration::from_millis(500);
const MAX_STREAM: usize = 64;

/// A text that must not be shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    fn reveal(&self) -> String {
        self.0.clone()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// Where the log is, and how to connect to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The address, beginning with `nats://` or `tls://`; it may contain a password.
    pub servers: Secret,
    /// The stream, and the first part of its subjects.
    pub stream: String,
    /// The number of NATS servers that keep the stream, if it is created.
    pub replicas: usize,
    pub user: Option<String>,
    pub password: Option<Secret>,
    pub token: Option<Secret>,
    /// A file with a user's JWT and seed.
    pub creds: Option<PathBuf>,
    /// A file with a user's NKey seed.
    pub nkey: Option<PathBuf>,
    /// Certificates to trust instead of the system's.
    pub tls_ca: Option<PathBuf>,
    pub tls_cert: Option<PathBuf>,
    pub tls_key: Option<PathBuf>,
}

impl Options {
    /// The stream `chat` on `servers`, kept once.
    pub fn new(servers: &str) -> Self {
        Self {
            servers: Secret::new(servers),
            stream: "chat".to_owned(),
            replicas: 1,
            user: None,
            password: None,
            token: None,
            creds: None,
            nkey: None,
            tls_ca: None,
            tls_cert: None,
            tls_key: None,
        }
    }

    /// For people: the servers without secrets, and the stream.
    pub fn shown(&self) -> String {
        let servers = Urls::parse(&self.servers.0).map(|urls| urls.servers.join(","));
        let servers = servers.unwrap_or_else(|_| "nats".to_owned());
        format!("{servers}, stream {}", self.stream)
    }
}

/// The options, read and checked.
pub(super) struct Target {
    /// For people: the servers without secrets.
    pub name: String,
    pub servers: Vec<ServerAddr>,
    pub connect: ConnectOptions,
}

impl Target {
    pub fn from_options(options: &Options) -> Result<Self, OpenError> {
        let urls = Urls::parse(&options.servers.0)?;
        let name = urls.servers.join(",");
        let refuse = |detail: &str| OpenError::new(&name, detail);
        let mut servers = Vec::with_capacity(urls.servers.len());
        for server in &urls.servers {
            let server: ServerAddr = server
                .parse()
                .map_err(|_| refuse("this is not the address of a NATS server"))?;
            servers.push(server);
        }
        if !is_stream_name(&options.stream) {
            return Err(refuse(
                "--nats-stream must be 1 to 64 of the characters A-Z a-z 0-9 _ -",
            ));
        }
        let connect = ConnectOptions::new()
            .name("poll-vs-sse")
            .connection_timeout(CONNECT_TIMEOUT)
            .ping_interval(PING_INTERVAL)
            .reconnect_delay_callback(|attempts| match attempts {
                0 | 1 => Duration::ZERO,
                _ => MAX_RECONNECT_DELAY.min(Duration::from_millis(20) * attempts as u32),
            });
        let connect =
            with_credentials(connect, options, &urls).map_err(|detail| refuse(&detail))?;
        let connect = tls(connect, options).map_err(|detail| refuse(&detail))?;
        Ok(Self {
            name,
            servers,
            connect,
        })
    }
}

fn with_credentials(
    connect: ConnectOptions,
    options: &Options,
    urls: &Urls,
) -> Result<ConnectOptions, String> {
    let user = options.user.clone().or_else(|| urls.user.clone());
    let password = options.password.as_ref().map(Secret::reveal);
    let password = password.or_else(|| urls.password.clone());
    let token = options.token.as_ref().map(Secret::reveal);
    let token = token.or_else(|| urls.token.clone());
    let ways = [
        user.is_some() || password.is_some(),
        token.is_some(),
        options.creds.is_some(),
        options.nkey.is_some(),
    ];
    if ways.into_iter().filter(|&given| given).count() > 1 {
        return Err("give one way to log in: a user, a token, --nats-creds or --nats-nkey".into());
    }
    if let Some(path) = &options.creds {
        let text = read(path)?;
        return connect
            .credentials(&text)
            .map_err(|_| format!("{}: this is not a credentials file", path.display()));
    }
    if let Some(path) = &options.nkey {
        let text = read(path)?;
        let seed = text
            .lines()
            .map(str::trim)
            .find(|line| line.starts_with("SU"))
            .filter(|seed| nkeys::KeyPair::from_seed(seed).is_ok())
            .ok_or_else(|| format!("{} contains no NKey seed of a user", path.display()))?;
        return Ok(connect.nkey(seed.to_owned()));
    }
    match (user, password, token) {
        (Some(user), Some(password), _) => Ok(connect.user_and_password(user, password)),
        (Some(_), None, _) => Err("there is a user but no password".into()),
        (None, Some(_), _) => Err("there is a password but no user".into()),
        (None, None, Some(token)) => Ok(connect.token(token)),
        (None, None, None) => Ok(connect),
    }
}

fn tls(mut connect: ConnectOptions, options: &Options) -> Result<ConnectOptions, String> {
    let files = [
        (&options.tls_ca, "CERTIFICATE-----", "certificate"),
        (&options.tls_cert, "CERTIFICATE-----", "certificate"),
        (&options.tls_key, "PRIVATE KEY-----", "private key"),
    ];
    for (path, mark, what) in files {
        if let Some(path) = path
            && !read(path)?.contains(mark)
        {
            return Err(format!("{} contains no {what}", path.display()));
        }
    }
    if let Some(ca) = &options.tls_ca {
        connect = connect.add_root_certificates(ca.clone()).require_tls(true);
    }
    match (&options.tls_cert, &options.tls_key) {
        (Some(cert), Some(key)) => Ok(connect
            .add_client_certificate(cert.clone(), key.clone())
            .require_tls(true)),
        (None, None) => Ok(connect),
        _ => Err("--nats-tls-cert and --nats-tls-key go together".into()),
    }
}

fn read(path: &PathBuf) -> Result<String, String> {
    named_file::read_text(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn is_stream_name(text: &str) -> bool {
    crate::domain::label::is_label(text, MAX_STREAM)
}

/// `nats://[user:password@|token@]host[:port][,host[:port]…]`, taken apart.
struct Urls {
    servers: Vec<String>,
    user: Option<String>,
    password: Option<String>,
    token: Option<String>,
}

impl Urls {
    fn parse(text: &str) -> Result<Self, OpenError> {
        // The error does not repeat the value, which may contain a password.
        let refuse = || OpenError::new("nats", "expected nats://HOST:PORT[,HOST:PORT…]");
        let (scheme, rest) = text.split_once("://").ok_or_else(refuse)?;
        let scheme = scheme.to_lowercase();
        if scheme != "nats" && scheme != "tls" {
            return Err(refuse());
        }
        let mut urls = Self {
            servers: Vec::new(),
            user: None,
            password: None,
            token: None,
        };
        for server in rest.split(',') {
            let server = server.trim().trim_end_matches('/');
            let server = server.split_once("://").map_or(server, |(_, rest)| rest);
            let host = match server.rsplit_once('@') {
                Some((login, host)) => {
                    urls.set_credentials(login);
                    host
                }
                None => server,
            };
            let is_host = |b: u8| b.is_ascii_alphanumeric() || b"-._:[]%".contains(&b);
            if host.is_empty() || !host.bytes().all(is_host) {
                return Err(refuse());
            }
            urls.servers.push(format!("{scheme}://{host}"));
        }
        Ok(urls)
    }

    fn set_credentials(&mut self, login: &str) {
        let plain = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        match login.split_once(':') {
            Some((user, password)) => {
                self.user = Some(plain(user));
                self.password = Some(plain(password));
            }
            None => self.token = Some(plain(login)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_and_login_are_taken_from_the_address() {
        let urls = Urls::parse("nats://mina:p%40ss@one:4222,two:4223/").expect("an address");
        assert_eq!(urls.servers, ["nats://one:4222", "nats://two:4223"]);
        assert_eq!(urls.user.as_deref(), Some("mina"));
        assert_eq!(urls.password.as_deref(), Some("p@ss"));
        let urls = Urls::parse("TLS://t0ken@[::1]:4222").expect("an address");
        assert_eq!(urls.servers, ["tls://[::1]:4222"]);
        assert_eq!(urls.token.as_deref(), Some("t0ken"));
    }

    #[test]
    fn what_is_no_address_is_refused_without_its_password() {
        for text in [
            "nats://",
            "nats://a,,b",
            "http://a",
            "nats://u:secret@",
            "nats://u:secret@a b",
        ] {
            let error = Urls::parse(text).err().expect("refused").to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let mut options = Options::new("nats://u:hunter2@host");
        options.token = Some(Secret::new("hunter2"));
        assert!(!format!("{options:?}").contains("hunter2"));
    }

    #[test]
    fn two_ways_to_log_in_are_one_too_many() {
        let mut options = Options::new("nats://token@host");
        options.user = Some("mina".into());
        options.password = Some(Secret::new("x"));
        assert!(Target::from_options(&options).is_err());
    }
}
