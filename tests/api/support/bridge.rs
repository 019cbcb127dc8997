//! Lets a test that speaks HTTP/1.1 reach the server over another protocol form, so that the same tests cover all
//! forms. Over HTTP/1.1 with TLS the bridge forwards bytes; over HTTP/2 it forwards requests, answers and a client's
//! disconnect.

use std::{
    convert::Infallible, io, net::SocketAddr, os::fd::AsFd as _, sync::mpsc, thread, time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Either, Full, combinators::BoxBody};
use hyper::{
    HeaderMap, Request, Response, StatusCode, Uri, body::Incoming, client::conn::http2,
    header::HeaderName, server::conn::http1, service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, Interest, copy},
    net::{TcpListener, TcpStream},
    task::LocalSet,
};

use super::protocol_client::{ProtocolForm, tls_connect};

/// Fields that belong to one connection (RFC 9110, 7.6.1), and to HTTP/1.1.
const HOP_BY_HOP: [&str; 6] = [
    "connection",
    "host",
    "keep-alive",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// The form that the whole suite runs over: cleartext HTTP/1.1 by default.
pub fn form_under_test() -> ProtocolForm {
    match std::env::var("POLL_VS_SSE_TEST_PROTOCOL").as_deref() {
        Err(_) | Ok("http/1.1") => ProtocolForm::Http1,
        Ok("http/1.1+tls") => ProtocolForm::Http1Tls,
        Ok("h2") => ProtocolForm::H2,
        Ok("h2+tls") => ProtocolForm::H2Tls,
        Ok(other) => panic!("POLL_VS_SSE_TEST_PROTOCOL: {other:?} is no protocol form"),
    }
}

/// Opens a bridge at the returned address, which exists as long as the test's process.
pub fn open(server: SocketAddr, form: ProtocolForm) -> SocketAddr {
    let (opened, addr) = mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let bridge = async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let addr = listener.local_addr().expect("an address");
            opened.send(addr).expect("the test waits");
            while let Ok((client, _)) = listener.accept().await {
                // If forwarding fails, the client's connection closes, as the server's would have.
                tokio::task::spawn_local(async move {
                    let _ = bridge_connection(client, server, form).await;
                });
            }
        };
        runtime.block_on(LocalSet::new().run_until(bridge));
    });
    addr.recv().expect("the bridge opens")
}

async fn bridge_connection(
    client: TcpStream,
    server: SocketAddr,
    form: ProtocolForm,
) -> Result<(), Box<dyn std::error::Error>> {
    client.set_nodelay(true)?;
    let upstream = TcpStream::connect(server).await?;
    upstream.set_nodelay(true)?;
    match form {
        ProtocolForm::Http1 => unreachable!("needs no bridge"),
        ProtocolForm::Http1Tls => {
            let socket = upstream.as_fd().try_clone_to_owned()?;
            let upstream = tls_connect(upstream, server, form).await;
            if copy_both_ways(client, upstream).await.is_err() {
                // The server must see the same as the bridge: a reset.
                SockRef::from(&socket).set_linger(Some(Duration::ZERO))?;
            }
        }
        ProtocolForm::H2 => translate(client, upstream, server).await?,
        ProtocolForm::H2Tls => {
            let upstream = tls_connect(upstream, server, form).await;
            translate(client, upstream, server).await?;
        }
    }
    Ok(())
}

/// Forwards bytes until the server ends its side. Fails if the client leaves before that; a client that has only shut
/// its sending side still reads.
async fn copy_both_ways(
    client: TcpStream,
    upstream: impl AsyncRead + AsyncWrite,
) -> io::Result<()> {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = tokio::io::split(upstream);
    let upwards = async {
        copy(&mut from_client, &mut to_server).await?;
        to_server.shutdown().await?;
        from_client.ready(Interest::ERROR).await?;
        Err(io::ErrorKind::ConnectionReset.into())
    };
    let downwards = async {
        copy(&mut from_server, &mut to_client).await?;
        to_client.shutdown().await
    };
    tokio::select! {
        ended = upwards => ended,
        ended = downwards => ended,
    }
}

/// A handle for sending requests to the server.
type Http2Sender = http2::SendRequest<Full<Bytes>>;

async fn translate(
    client: TcpStream,
    upstream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    server: SocketAddr,
) -> Result<(), Box<dyn std::error::Error>> {
    let (sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(upstream)).await?;
    let connection = tokio::task::spawn_local(connection);
    let service = service_fn(|request| forward(sender.clone(), request, server));
    let served = http1::Builder::new()
        .serve_connection(TokioIo::new(client), service)
        .await;
    connection.abort();
    Ok(served?)
}

/// The body of an answer: the server's, or one of the bridge.
type BridgeBody = Either<Incoming, BoxBody<Bytes, Infallible>>;

async fn forward(
    mut sender: Http2Sender,
    request: Request<Incoming>,
    server: SocketAddr,
) -> Result<Response<BridgeBody>, hyper::Error> {
    let (mut parts, body) = request.into_parts();
    let target = parts
        .uri
        .path_and_query()
        .map_or("/", |target| target.as_str());
    let Ok(uri) = format!("http://{server}{target}").parse::<Uri>() else {
        let mut refused = Response::new(Either::Right(Full::new(Bytes::new()).boxed()));
        *refused.status_mut() = StatusCode::BAD_REQUEST;
        return Ok(refused);
    };
    parts.uri = uri;
    parts.version = hyper::Version::HTTP_2;
    strip_hop_by_hop(&mut parts.headers);
    let body = Full::new(body.collect().await?.to_bytes());
    sender.ready().await?;
    let response = sender
        .send_request(Request::from_parts(parts, body))
        .await?;
    let (mut parts, body) = response.into_parts();
    parts.version = hyper::Version::HTTP_11;
    strip_hop_by_hop(&mut parts.headers);
    Ok(Response::from_parts(parts, Either::Left(body)))
}

fn strip_hop_by_hop(headers: &mut HeaderMap) {
    for name in HOP_BY_HOP {
        headers.remove(HeaderName::from_static(name));
    }
}
