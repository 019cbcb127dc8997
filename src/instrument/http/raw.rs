//! Sends bytes that are not HTTP and reads the answer, which shows who answers an invalid request.

use anyhow::Result;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{driver::Stream, endpoint::Endpoint, socket::Socket};
use crate::Protocol;

/// The rest of a longer answer is not needed.
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
    // If the connection is reset, the answer so far counts.
    let _ = stream.take(MAX_BYTES).read_to_end(&mut answer).await;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
