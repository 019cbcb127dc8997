//! Bytes that are no HTTP, and whatever comes back: to see who answers nonsense.

use anyhow::Result;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{driver::Stream, endpoint::Endpoint, socket::Socket};
use crate::Protocol;

/// More of an answer is of no interest.
const MAX_BYTES: u64 = 16 * 1024;

/// Sends `request` and reads to the end of the connection.
pub async fn ask(endpoint: &Endpoint, request: &[u8]) -> Result<String> {
    let socket = Socket::open(endpoint.addr).await?;
    let mut stream: Stream = match &endpoint.tls {
        None => Box::new(socket),
        Some(tls) => Box::new(tls.shake_hands(socket, Some(Protocol::Http1)).await?.0),
    };
    stream.write_all(request).await?;
    let mut answer = Vec::new();
    // A connection that is reset has said what it had to say.
    let _ = stream.take(MAX_BYTES).read_to_end(&mut answer).await;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
