//! The server to check: its address, and the requests to it.

use std::{
    net::{SocketAddr, ToSocketAddrs as _},
    sync::Mutex,
    time::Duration,
};

use anyhow::{Context as _, Result, anyhow, ensure};
use http::{HeaderMap, header};
use tokio::time::timeout;

use super::{
    CheckOptions,
    findings::{Finding, FindingName, Severity},
    proxy::{Proxy, SiteProblem},
};
use crate::{
    Profile, Protocol, RequestHead, Transport,
    http::{
        address::TargetUrl,
        connection::Connection,
        endpoint::Endpoint,
        error::{Timeout, TlsFailure},
        head::Head,
        meter::NoMeter,
        tls::TlsOptions,
    },
    recording::message_tag::MessageTag,
    run::limits::run_id,
    target::requests::{PollRequest, PublishRequest, RequestContext, StreamRequest},
};

/// How long a request that does not wait may take.
pub const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

/// The server to check.
pub struct Site {
    pub endpoint: Endpoint,
    pub patience: Duration,
    pub read_only: bool,
    url: String,
    profile: Profile,
    prefix: String,
    run_id: String,
    seen: Mutex<ServerHeaders>,
}

/// The server and the proxy, as far as the answers' headers named them.
#[derive(Debug, Default)]
struct ServerHeaders {
    server: Option<String>,
    proxy: Option<Proxy>,
}

/// A room of one check, with the tag of its messages.
pub struct CheckRoom {
    pub tag: MessageTag,
    context: RequestContext,
}

impl Site {
    pub fn find(options: &CheckOptions) -> Result<Self> {
        let url = options.url.clone();
        let address: TargetUrl = url.parse()?;
        let host = address.host.as_str();
        let found = (host, address.port).to_socket_addrs();
        let addrs: Vec<SocketAddr> = found
            .with_context(|| format!("cannot find the host {host}"))?
            .collect();
        let connect = |addr: &&SocketAddr| {
            std::net::TcpStream::connect_timeout(addr, RESPONSE_TIMEOUT / 2).is_ok()
        };
        let addr = addrs.iter().find(connect);
        let addr = *addr.with_context(|| format!("cannot reach {url}: nothing listens there"))?;
        ensure!(
            address.is_tls || !options.insecure,
            "--insecure is about a certificate, and {url} has none"
        );
        let tls = match address.is_tls {
            true => Some(TlsOptions::new(host, options.insecure)?),
            false => None,
        };
        options.profile.check_has(&[Transport::Stream])?;
        Ok(Self {
            endpoint: Endpoint {
                addr,
                authority: address.authority,
                tls,
                protocol: None,
            },
            patience: options.patience,
            read_only: options.read_only,
            url,
            profile: options.profile.clone(),
            prefix: address.prefix,
            run_id: run_id()?,
            seen: Mutex::default(),
        })
    }

    pub fn has(&self, transport: Transport) -> bool {
        self.profile.has(transport)
    }

    /// A room that nothing else uses.
    pub fn room(&self, name: &str, wait: Duration) -> CheckRoom {
        let id = &self.run_id;
        CheckRoom {
            tag: MessageTag::new(&format!("{id}{name}")),
            context: RequestContext {
                host: self.endpoint.authority.clone(),
                prefix: self.prefix.clone(),
                room: format!("check{id}{name}"),
                wait_s: wait.as_secs_f64(),
                head: RequestHead::Chrome,
                cookie_bytes: 0,
            },
        }
    }

    pub fn stream_request(&self, room: &CheckRoom) -> Result<StreamRequest> {
        StreamRequest::new(&self.profile, &room.context)
    }

    pub fn poll_request(&self, room: &CheckRoom, transport: Transport) -> Result<PollRequest> {
        PollRequest::new(&self.profile, transport, &room.context)
    }

    pub async fn connect(&self) -> Result<Connection> {
        let mut meter = NoMeter;
        let opening = Connection::open(&self.endpoint, &mut meter);
        let opened = timeout(RESPONSE_TIMEOUT, opening)
            .await
            .map_err(|_| Timeout)?;
        opened.map_err(|error| match error.downcast_ref::<TlsFailure>() {
            Some(failure) if failure.is_certificate => {
                anyhow!(
                    "{}: {error:#}: add --insecure to take any certificate",
                    self.url
                )
            }
            _ => error.context(format!("cannot reach {}", self.url)),
        })
    }

    /// Publishes message `sequence` of `size` bytes.
    pub async fn publish(&self, room: &CheckRoom, sequence: u64, size: usize) -> Result<()> {
        let request = PublishRequest::new(&self.profile, &room.context, room.tag.clone(), size)?;
        let request = request.request(sequence)?;
        let publishing = async {
            let mut connection = self.connect().await?;
            let head = connection.send(request, &mut NoMeter).await?;
            connection.body(&mut NoMeter).await?;
            ensure!(head.status / 100 == 2, head.unexpected_status());
            anyhow::Ok(())
        };
        let published = timeout(RESPONSE_TIMEOUT, publishing).await;
        let published = published.unwrap_or_else(|_| Err(Timeout.into()));
        published.with_context(|| {
            format!(
                "cannot publish to {}: choose another --profile, or add --read-only",
                self.url
            )
        })
    }

    /// Records what an answer's head reveals about server and proxy.
    pub fn see(&self, headers: &HeaderMap) {
        let Ok(mut seen) = self.seen.lock() else {
            return;
        };
        if let Some(server) = headers.get(header::SERVER) {
            let text = String::from_utf8_lossy(server.as_bytes()).into_owned();
            seen.server.get_or_insert(text);
        }
        seen.proxy = seen.proxy.or(Proxy::of_headers(headers));
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn server(&self) -> Option<String> {
        self.seen.lock().ok()?.server.clone()
    }

    pub fn proxy_seen(&self) -> Option<Proxy> {
        self.seen.lock().ok()?.proxy
    }

    /// Advice for a refused request of this `part` of the profile; `None` if the answer is no refusal.
    pub fn refusal_advice(&self, part: &str, head: &Head) -> Option<String> {
        let profile = &self.profile.name;
        Some(match head.status {
            401 | 403 => {
                format!("add the credentials it asks for to the headers of profile {profile}")
            }
            429 => "raise the server's limits for this machine".to_owned(),
            400..500 => {
                format!("correct [{part}] in profile {profile}, or choose another --profile")
            }
            _ => return None,
        })
    }

    /// The finding on the protocol.
    pub async fn protocol(&self) -> Result<Finding> {
        let connection = self.connect().await?;
        let protocol = connection.protocol();
        Ok(match (protocol, connection.tls) {
            (Protocol::Http2, tls) => Finding::good(
                FindingName::Protocol,
                match tls {
                    Some(tls) => format!("HTTP/2 over {}", tls.version),
                    None => "HTTP/2 without TLS".to_owned(),
                },
                None,
            ),
            (Protocol::Http1, Some(tls)) => Finding::new(
                FindingName::Protocol,
                Severity::Warning,
                format!(
                    "HTTP/1.1 over {}, no HTTP/2: a browser opens six streams to it at most",
                    tls.version
                ),
                None,
                Some(SiteProblem::NoHttp2),
            ),
            (Protocol::Http1, None) => Finding::good(
                FindingName::Protocol,
                "HTTP/1.1 without TLS: a browser opens six streams to it at most",
                None,
            ),
        })
    }
}
