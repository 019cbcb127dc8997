//! A client that speaks each protocol form, and counts the bytes that cross its socket.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request, Response,
    body::Incoming,
    client::conn::{http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{
    ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::ring::default_provider,
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    task::LocalSet,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{TEST_TIMEOUT, server::Server};

/// The HTTP version of a connection, and whether it is over TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProtocolForm {
    Http1,
    Http1Tls,
    H2,
    H2Tls,
}

impl ProtocolForm {
    pub const ALL: [Self; 4] = [Self::Http1, Self::Http1Tls, Self::H2, Self::H2Tls];
    pub const HTTP_2: [Self; 2] = [Self::H2, Self::H2Tls];

    /// Its key in `/ledger`.
    pub fn key(self) -> &'static str {
        match self {
            Self::Http1 => "http/1.1",
            Self::Http1Tls => "http/1.1+tls",
            Self::H2 => "h2",
            Self::H2Tls => "h2+tls",
        }
    }

    pub fn is_tls(self) -> bool {
        matches!(self, Self::Http1Tls | Self::H2Tls)
    }

    pub fn is_h2(self) -> bool {
        matches!(self, Self::H2 | Self::H2Tls)
    }
}

/// Runs an asynchronous test, with the time limit of a test.
pub fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let local = LocalSet::new();
    let within = local.run_until(async { timeout(2 * TEST_TIMEOUT, test).await });
    runtime.block_on(within).expect("in time")
}

/// One connection.
pub struct ProtocolClient {
    sender: FormSender,
    counted: SocketBytes,
    authority: String,
}

/// A handle for sending requests, by HTTP version.
enum FormSender {
    Http1(http1::SendRequest<Full<Bytes>>),
    H2(http2::SendRequest<Full<Bytes>>),
}

/// Bytes that this side of a socket received and sent.
#[derive(Clone, Default)]
pub struct SocketBytes(Arc<[AtomicU64; 2]>);

impl SocketBytes {
    /// Bytes that the server received and sent.
    pub fn server_counts(&self) -> (u64, u64) {
        let [received, sent] = &*self.0;
        (sent.load(Relaxed), received.load(Relaxed))
    }
}

impl ProtocolClient {
    pub async fn connect(server: &Server, form: ProtocolForm) -> Self {
        Self::connect_to(server.protocol_addr(form), form).await
    }

    pub async fn connect_to(addr: SocketAddr, form: ProtocolForm) -> Self {
        let counted = SocketBytes::default();
        let tcp = TcpStream::connect(addr).await.expect("connects");
        let io = CountedIo {
            tcp,
            counted: counted.clone(),
        };
        let sender = if form.is_tls() {
            open(tls_connect(io, addr, form).await, form).await
        } else {
            open(io, form).await
        };
        Self {
            sender,
            counted,
            authority: addr.to_string(),
        }
    }

    pub async fn send(&mut self, method: &str, target: &str, body: &str) -> Response<Incoming> {
        let response = self.try_send(method, target, body).await;
        response.expect("an answer")
    }

    pub async fn try_send(
        &mut self,
        method: &str,
        target: &str,
        body: &str,
    ) -> hyper::Result<Response<Incoming>> {
        let request = Request::builder().method(method);
        let body = Full::new(Bytes::from(body.to_owned()));
        match &mut self.sender {
            FormSender::Http1(sender) => {
                let request = request.uri(target).header("host", &self.authority);
                let request = request.header("content-type", "application/json");
                sender.ready().await?;
                sender
                    .send_request(request.body(body).expect("valid"))
                    .await
            }
            FormSender::H2(sender) => {
                let uri = format!("http://{}{target}", self.authority);
                let request = request.uri(uri).header("content-type", "application/json");
                sender.ready().await?;
                sender
                    .send_request(request.body(body).expect("valid"))
                    .await
            }
        }
    }

    pub async fn get(&mut self, target: &str) -> (u16, String) {
        whole(self.send("GET", target, "").await).await
    }

    pub async fn publish(&mut self, text: &str) -> (u16, String) {
        let body = format!(r#"{{"author": "mina", "text": "{text}"}}"#);
        whole(self.send("POST", "/messages", &body).await).await
    }

    /// Another handle for the same HTTP/2 connection.
    pub fn share(&self) -> Option<http2::SendRequest<Full<Bytes>>> {
        match &self.sender {
            FormSender::Http1(_) => None,
            FormSender::H2(sender) => Some(sender.clone()),
        }
    }

    /// The bytes that crossed the socket so far.
    pub fn counted(&self) -> SocketBytes {
        self.counted.clone()
    }
}

/// A raw TLS connection for HTTP/1.1.
pub async fn connect_tls(server: &Server) -> TlsStream<TcpStream> {
    let addr = server.protocol_addr(ProtocolForm::Http1Tls);
    let tcp = TcpStream::connect(addr).await.expect("connects");
    tls_connect(tcp, addr, ProtocolForm::Http1Tls).await
}

/// A TLS connection over `io` that trusts any certificate.
pub async fn tls_connect<Io: AsyncRead + AsyncWrite + Unpin>(
    io: Io,
    addr: SocketAddr,
    form: ProtocolForm,
) -> TlsStream<Io> {
    let name = ServerName::from(addr.ip());
    let connector = TlsConnector::from(Arc::new(client_config(form)));
    connector.connect(name, io).await.expect("a handshake")
}

async fn open(
    io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    form: ProtocolForm,
) -> FormSender {
    let io = TokioIo::new(io);
    if form.is_h2() {
        let (sender, connection) = http2::handshake(TokioExecutor::new(), io)
            .await
            .expect("a handshake");
        tokio::task::spawn_local(connection);
        FormSender::H2(sender)
    } else {
        let (sender, connection) = http1::handshake(io).await.expect("a connection");
        tokio::task::spawn_local(connection);
        FormSender::Http1(sender)
    }
}

/// Status and body of an answer.
pub async fn whole(response: Response<Incoming>) -> (u16, String) {
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.expect("a whole body");
    let text = String::from_utf8(body.to_bytes().to_vec()).expect("UTF-8");
    (status, text)
}

/// The next bytes of a stream's body, up to and including `end`.
pub async fn read_until(body: &mut Incoming, end: &str) -> String {
    let mut text = String::new();
    while !text.ends_with(end) {
        let frame = body.frame().await.expect("more").expect("no reset");
        if let Ok(data) = frame.into_data() {
            text += std::str::from_utf8(&data).expect("UTF-8");
        }
    }
    text
}

fn client_config(form: ProtocolForm) -> ClientConfig {
    let mut config = ClientConfig::builder_with_provider(default_provider().into())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(TrustAll))
        .with_no_client_auth();
    let protocol: &[u8] = if form.is_h2() { b"h2" } else { b"http/1.1" };
    config.alpn_protocols = vec![protocol.to_vec()];
    config
}

/// Accepts any certificate, because the test's server has a self-signed one.
#[derive(Debug)]
struct TrustAll;

impl ServerCertVerifier for TrustAll {
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
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        default_provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// A socket that counts its bytes.
struct CountedIo {
    tcp: TcpStream,
    counted: SocketBytes,
}

impl AsyncRead for CountedIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.tcp).poll_read(cx, buf))?;
        let more = (buf.filled().len() - before) as u64;
        self.counted.0[0].fetch_add(more, Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for CountedIo {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.tcp).poll_write(cx, buf))?;
        self.counted.0[1].fetch_add(written as u64, Relaxed);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}
