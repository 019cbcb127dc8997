//! One connection to a server over any protocol: one request at a time.

use std::future::Future;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use tokio::time::{Instant, timeout_at};

use super::{
    driver::Stream,
    endpoint::Endpoint,
    error::{ExchangeError, WrongProtocol},
    head::Head,
    http1::Http1,
    http2::Http2,
    meter::Meter,
    socket::{Socket, SocketWatch},
    tls,
};
use crate::{Protocol, machine::held_connections::ConnectionEnds};

/// A longer body is refused.
const MAX_BODY_BYTES: usize = 256 * 1024 * 1024;

/// One connection to a server.
pub struct Connection {
    spoken: ProtocolConnection,
    watch: SocketWatch,
    /// Whether it has carried a request already.
    is_reused: bool,
    /// The TLS handshake, if the connection uses TLS.
    pub tls: Option<tls::TlsHandshake>,
}

/// The connection of an HTTP version.
enum ProtocolConnection {
    Http1(Http1),
    Http2(Box<Http2>),
}

impl Connection {
    /// Connects, with a TLS handshake if the endpoint asks for it.
    pub async fn open(endpoint: &Endpoint, meter: &mut (dyn Meter + Send)) -> Result<Self> {
        let socket = Socket::open(endpoint.addr)
            .await
            .with_context(|| format!("cannot connect to {}", endpoint.addr))?;
        meter.connected();
        let watch = socket.watch();
        let wanted = endpoint.protocol;
        let mut negotiated = None;
        let stream: Stream = match &endpoint.tls {
            None => Box::new(socket),
            Some(options) => {
                let mut counts = (0, 0);
                let shaking = options.shake_hands(socket, wanted);
                let shaken = settled(&watch, meter, shaking, |sent, received| {
                    counts = (counts.0 + sent, counts.1 + received);
                })
                .await;
                let (stream, found) = shaken?;
                meter.shook_hands(counts.0, counts.1, found.is_resumed);
                negotiated = Some(found);
                Box::new(stream)
            }
        };
        let protocol = match &negotiated {
            Some(tls) => tls.protocol.or(wanted).unwrap_or(Protocol::Http1),
            None => wanted.unwrap_or(Protocol::Http1),
        };
        if let Some(wanted) = wanted
            && negotiated.is_some()
            && protocol != wanted
        {
            anyhow::bail!(WrongProtocol {
                protocol: wanted,
                tls: true
            });
        }
        let opening = async {
            Ok::<_, anyhow::Error>(match protocol {
                Protocol::Http1 => ProtocolConnection::Http1(Http1::open(stream).await?),
                Protocol::Http2 => {
                    let is_tls = negotiated.is_some();
                    ProtocolConnection::Http2(Box::new(
                        Http2::open(stream, &endpoint.authority, is_tls).await?,
                    ))
                }
            })
        };
        let spoken = settled(&watch, meter, opening, |_, _| {}).await?;
        meter.ready(protocol, negotiated.map(|tls| tls.version));
        Ok(Self {
            spoken,
            watch,
            is_reused: false,
            tls: negotiated,
        })
    }

    pub fn protocol(&self) -> Protocol {
        match &self.spoken {
            ProtocolConnection::Http1(_) => Protocol::Http1,
            ProtocolConnection::Http2(_) => Protocol::Http2,
        }
    }

    /// Vanishes: from now on, this side's system drops whatever arrives, and acknowledges nothing. To the other side,
    /// it looks as if the client's cable was pulled.
    pub fn vanish(&self) -> std::io::Result<ConnectionEnds> {
        self.watch.vanish()
    }

    /// Whether another request may be sent on it, as far as is known.
    pub fn is_usable(&self) -> bool {
        match &self.spoken {
            ProtocolConnection::Http1(spoken) => spoken.is_usable(),
            ProtocolConnection::Http2(spoken) => spoken.is_usable(),
        }
    }

    /// Sends a request and waits for the answer's head.
    pub async fn send(
        &mut self,
        request: http::Request<Bytes>,
        meter: &mut (dyn Meter + Send),
    ) -> Result<Head, ExchangeError> {
        let was_used = std::mem::replace(&mut self.is_reused, true);
        let before = self.watch.passed.received_ever();
        let Self { spoken, watch, .. } = self;
        let sending = async {
            match spoken {
                ProtocolConnection::Http1(spoken) => spoken.send(request).await,
                ProtocolConnection::Http2(spoken) => spoken.send(request).await,
            }
        };
        let answer = settled(watch, meter, sending, |_, _| {}).await;
        match answer {
            Err(_) if !was_used && self.is_unlikely_http2() => {
                Err(ExchangeError::Wrong(anyhow::Error::new(WrongProtocol {
                    protocol: Protocol::Http2,
                    tls: false,
                })))
            }
            Err(ExchangeError::Unread) if !was_used => {
                Err(ExchangeError::Wrong(anyhow::anyhow!(super::error::CLOSED)))
            }
            Err(ExchangeError::Wrong(error)) if was_used => {
                let is_silent = self.watch.passed.received_ever() == before;
                match is_silent && self.watch.was_stale().await {
                    true => Err(ExchangeError::Unread),
                    false => Err(ExchangeError::Wrong(error)),
                }
            }
            answer => answer,
        }
    }

    /// Whether the other side probably does not know HTTP/2: it was used with prior knowledge, and the first request
    /// failed with almost no bytes received.
    fn is_unlikely_http2(&self) -> bool {
        const NEXT_TO_NOTHING: u64 = 1024;
        self.protocol() == Protocol::Http2
            && self.tls.is_none()
            && self.watch.passed.received_ever() < NEXT_TO_NOTHING
    }

    /// The next piece of the answer's body; `None` at its end.
    pub async fn chunk(&mut self, meter: &mut (dyn Meter + Send)) -> Result<Option<Bytes>> {
        let Self { spoken, watch, .. } = self;
        let reading = async {
            match spoken {
                ProtocolConnection::Http1(spoken) => spoken.chunk().await,
                ProtocolConnection::Http2(spoken) => spoken.chunk().await,
            }
        };
        settled(watch, meter, reading, |_, _| {}).await
    }

    /// The rest of the answer's body.
    pub async fn body(&mut self, meter: &mut (dyn Meter + Send)) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        while let Some(chunk) = self.chunk(meter).await? {
            anyhow::ensure!(
                body.len() + chunk.len() <= MAX_BODY_BYTES,
                "the answer is too long"
            );
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// Waits, and keeps the protocol running in the meantime. Ends early if the server closes.
    pub async fn idle_until(&mut self, until: Instant, meter: &mut (dyn Meter + Send)) {
        let Self { spoken, watch, .. } = self;
        let waiting = async {
            match spoken {
                ProtocolConnection::Http1(spoken) => spoken.idle().await,
                ProtocolConnection::Http2(spoken) => spoken.idle().await,
            }
        };
        let _ = timeout_at(until, settled(watch, meter, waiting, |_, _| {})).await;
    }
}

/// Runs `work`, and reports bytes to `meter` and `also` whenever some have passed.
async fn settled<F: Future>(
    watch: &SocketWatch,
    meter: &mut (dyn Meter + Send),
    work: F,
    mut also: impl FnMut(u64, u64),
) -> F::Output {
    let mut work = std::pin::pin!(work);
    std::future::poll_fn(|cx| {
        let polled = work.as_mut().poll(cx);
        let (sent, received) = watch.passed.settle(meter);
        also(sent, received);
        polled
    })
    .await
}
