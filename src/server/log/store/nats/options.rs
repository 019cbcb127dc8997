//! How to reach NATS and which stream to use, as the operator gave it. Secrets are never shown.

use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use async_nats::{ConnectOptions, ServerAddr};
use percent_encoding::percent_decode_str;

use crate::{log::store::OpenError, named_file};

/// How long connecting may take, once.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How often an idle connection is pinged; after three pings without an answer, it is given up.
const PING_INTERVAL: Duration = Duration::from_secs(1);
const MAX_RECONNECT_DELAY: Duration = Duration::from_millis(500);
const MAX_STREAM: usize = 64;
/// The mark of what a PEM file contains, and its name.
const CERTIFICATE: (&str, &str) = ("CERTIFICATE-----", "certificate");
const PRIVATE_KEY: (&str, &str) = ("PRIVATE KEY-----", "private key");

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
        let connect = with_credentials(connect, options, &urls)
            .and_then(|connect| tls(connect, options))
            .map_err(|fault| refuse(&fault.detail).at_flag(fault.flag))?;
        Ok(Self {
            name,
            servers,
            connect,
        })
    }
}

/// Why the options cannot be used.
struct InvalidOption {
    flag: &'static str,
    detail: String,
}

impl InvalidOption {
    fn new(flag: &'static str, detail: impl Into<String>) -> Self {
        Self {
            flag,
            detail: detail.into(),
        }
    }
}

impl From<&str> for InvalidOption {
    fn from(detail: &str) -> Self {
        Self::new("--store", detail)
    }
}

fn with_credentials(
    connect: ConnectOptions,
    options: &Options,
    urls: &Urls,
) -> Result<ConnectOptions, InvalidOption> {
    for (flag, is_given, is_in_url) in [
        ("--nats-user", options.user.is_some(), urls.user.is_some()),
        (
            "--nats-password",
            options.password.is_some(),
            urls.password.is_some(),
        ),
        (
            "--nats-token",
            options.token.is_some(),
            urls.token.is_some(),
        ),
    ] {
        if is_given && is_in_url {
            let detail = "the address in --store has one already; give only one of them";
            return Err(InvalidOption::new(flag, detail));
        }
    }
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
        const FLAG: &str = "--nats-creds";
        let text = read(FLAG, path)?;
        return connect.credentials(&text).map_err(|_| {
            let detail = format!("{}: this is not a credentials file", path.display());
            InvalidOption::new(FLAG, detail)
        });
    }
    if let Some(path) = &options.nkey {
        const FLAG: &str = "--nats-nkey";
        let text = read(FLAG, path)?;
        let seed = text
            .lines()
            .map(str::trim)
            .find(|line| line.starts_with("SU"))
            .filter(|seed| nkeys::KeyPair::from_seed(seed).is_ok())
            .ok_or_else(|| {
                let detail = format!("{} contains no NKey seed of a user", path.display());
                InvalidOption::new(FLAG, detail)
            })?;
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

fn tls(mut connect: ConnectOptions, options: &Options) -> Result<ConnectOptions, InvalidOption> {
    let files = [
        ("--nats-tls-ca", &options.tls_ca, CERTIFICATE),
        ("--nats-tls-cert", &options.tls_cert, CERTIFICATE),
        ("--nats-tls-key", &options.tls_key, PRIVATE_KEY),
    ];
    for (flag, path, (mark, what)) in files {
        if let Some(path) = path
            && !read(flag, path)?.contains(mark)
        {
            let detail = format!("{} contains no {what}", path.display());
            return Err(InvalidOption::new(flag, detail));
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

/// The text of the file that `flag` names.
fn read(flag: &'static str, path: &Path) -> Result<String, InvalidOption> {
    named_file::read_text(path)
        .map_err(|error| InvalidOption::new(flag, format!("{}: {error}", path.display())))
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
    fn a_login_that_is_given_twice_is_refused() {
        let refusal = |url: &str, change: fn(&mut Options)| {
            let mut options = Options::new(url);
            change(&mut options);
            let error = Target::from_options(&options).err();
            error.map(|error| error.flag())
        };
        let user: fn(&mut Options) = |options| options.user = Some("joon".into());
        let password: fn(&mut Options) = |options| options.password = Some(Secret::new("x"));
        let token: fn(&mut Options) = |options| options.token = Some(Secret::new("x"));
        for (url, change, flag) in [
            ("nats://mina:p@host", user, "--nats-user"),
            ("nats://mina:p@host", password, "--nats-password"),
            ("nats://token@host", token, "--nats-token"),
        ] {
            assert_eq!(refusal(url, change), Some(flag), "{url}");
        }
        assert_eq!(refusal("nats://mina:p@host", |_| ()), None);
    }

    #[test]
    fn two_ways_to_log_in_are_one_too_many() {
        let mut options = Options::new("nats://token@host");
        options.user = Some("mina".into());
        options.password = Some(Secret::new("x"));
        assert!(Target::from_options(&options).is_err());
    }
}
