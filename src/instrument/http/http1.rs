//! HTTP/1.1, on `hyper`.

use std::pin::Pin;

use anyhow::{Context as _, anyhow};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;

use super::{
    driver::{Stream, drive},
    error::{CLOSED, CUT, ExchangeError, HeadTooLarge},
    head::Head,
};

/// Grows with longer heads, so that ten thousand waiting clients take little memory.
const READ_BUFFER_BYTES: usize = 8 * 1024;
/// More headers than a browser takes.
const MAX_HEADERS: usize = 256;
/// A longer head than a browser takes.
const MAX_HEAD_BYTES: usize = 64 * READ_BUFFER_BYTES;

type Http1Driver = http1::Connection<TokioIo<Stream>, Full<Bytes>>;

/// One connection.
pub struct Http1 {
    sender: http1::SendRequest<Full<Bytes>>,
    /// `None` once it has ended.
    driver: Option<Pin<Box<Http1Driver>>>,
    body: Option<Incoming>,
}

impl Http1 {
    pub async fn open(stream: Stream) -> anyhow::Result<Self> {
        let (sender, driver) = http1::Builder::new()
            .title_case_headers(true)
            .max_headers(MAX_HEADERS)
            .max_buf_size(MAX_HEAD_BYTES)
            .handshake(TokioIo::new(stream))
            .await?;
        Ok(Self {
            sender,
            driver: Some(Box::pin(driver)),
            body: None,
        })
    }

    pub fn is_usable(&self) -> bool {
        self.driver.is_some() && !self.sender.is_closed()
    }

    /// Reads while no request is open, to notice that the server closes.
    pub async fn idle(&mut self) {
        drive(&mut self.driver, std::future::pending::<()>()).await;
    }

    pub async fn send(&mut self, request: http::Request<Bytes>) -> Result<Head, ExchangeError> {
        self.body = None;
        let request = request.map(Full::new);
        let Self { sender, driver, .. } = self;
        let sending = async {
            if sender.ready().await.is_err() {
                return Err(ExchangeError::Unread);
            }
            sender.try_send_request(request).await.map_err(|error| {
                match error.message().is_some() {
                    true => ExchangeError::Unread,
                    false => ExchangeError::Wrong(explain(error.into_error(), CLOSED)),
                }
            })
        };
        let answer = drive(driver, sending).await;
        let answer = answer.unwrap_or_else(|| Err(ExchangeError::Wrong(anyhow!(CLOSED))))?;
        let (head, body) = answer.into_parts();
        self.body = Some(body);
        Ok(Head::new(head.status, head.headers))
    }

    /// The next piece of the answer's body; `None` at its end.
    pub async fn chunk(&mut self) -> anyhow::Result<Option<Bytes>> {
        loop {
            let Some(body) = &mut self.body else {
                return Ok(None);
            };
            let frame = drive(&mut self.driver, body.frame()).await;
            match frame.context(CUT)? {
                None => {
                    self.body = None;
                    return Ok(None);
                }
                Some(Ok(frame)) => {
                    // Trailers are of no interest.
                    if let Ok(data) = frame.into_data()
                        && !data.is_empty()
                    {
                        return Ok(Some(data));
                    }
                }
                Some(Err(error)) => return Err(explain(error, CUT)),
            }
        }
    }
}

/// Converts an error of `hyper`. `cut` is the error for a connection that ended too early.
fn explain(error: hyper::Error, cut: &'static str) -> anyhow::Error {
    if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
        return anyhow!(cut);
    }
    if error.is_parse_too_large() {
        return anyhow!(HeadTooLarge {
            headers: MAX_HEADERS,
            bytes: MAX_HEAD_BYTES,
        });
    }
    if error.is_parse() {
        return anyhow!("the answer is not HTTP/1.1");
    }
    let mut source = std::error::Error::source(&error);
    while let Some(inner) = source {
        if let Some(io) = inner.downcast_ref::<std::io::Error>() {
            return match io.kind() {
                std::io::ErrorKind::UnexpectedEof => anyhow!(cut),
                kind => std::io::Error::new(kind, io.to_string()).into(),
            };
        }
        source = inner.source();
    }
    error.into()
}
