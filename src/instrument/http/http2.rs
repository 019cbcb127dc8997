//! HTTP/2, on `h2`, with Chromium's settings.

use std::pin::Pin;

use anyhow::{Context as _, anyhow};
use bytes::Bytes;
use h2::{Reason, RecvStream, client};
use http::{Request, Uri, header, uri::Scheme};

use super::{
    chromium::{
        CONNECTION_WINDOW_BYTES, HEADER_LIST_BYTES, HEADER_TABLE_BYTES, STREAM_WINDOW_BYTES,
    },
    driver::{Stream, drive},
    error::{CLOSED, CUT, ExchangeError},
    head::Head,
};

type Http2Driver = client::Connection<Stream, Bytes>;

/// One connection.
pub struct Http2 {
    sender: client::SendRequest<Bytes>,
    /// `None` once it has ended.
    driver: Option<Pin<Box<Http2Driver>>>,
    body: Option<RecvStream>,
    is_tls: bool,
    authority: String,
}

impl Http2 {
    pub async fn open(stream: Stream, authority: &str, is_tls: bool) -> anyhow::Result<Self> {
        let (sender, driver) = client::Builder::new()
            .initial_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .header_table_size(HEADER_TABLE_BYTES)
            .max_header_list_size(HEADER_LIST_BYTES)
            .enable_push(false)
            .handshake(stream)
            .await
            .map_err(explain)?;
        Ok(Self {
            sender,
            driver: Some(Box::pin(driver)),
            body: None,
            is_tls,
            authority: authority.to_owned(),
        })
    }

    pub fn is_usable(&self) -> bool {
        self.driver.is_some()
    }

    /// Keeps an idle connection running, and notices that the server closes.
    pub async fn idle(&mut self) {
        drive(&mut self.driver, std::future::pending::<()>()).await;
    }

    pub async fn send(&mut self, request: Request<Bytes>) -> Result<Head, ExchangeError> {
        self.body = None;
        let (request, content) = self.translate(request).map_err(ExchangeError::Wrong)?;
        let mut sender = self.sender.clone();
        let sending = async {
            let ready = std::future::poll_fn(|cx| sender.poll_ready(cx)).await;
            ready.map_err(|_| ExchangeError::Unread)?;
            let (answer, mut body) = sender.send_request(request, content.is_empty())?;
            if !content.is_empty() {
                body.send_data(content, true)?;
            }
            Ok(answer.await?)
        };
        let answer = drive(&mut self.driver, sending).await;
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
            let data = std::future::poll_fn(|cx| body.poll_data(cx));
            match drive(&mut self.driver, data).await.context(CUT)? {
                None => {
                    self.body = None;
                    return Ok(None);
                }
                Some(Ok(data)) => {
                    let _ = body.flow_control().release_capacity(data.len());
                    if !data.is_empty() {
                        return Ok(Some(data));
                    }
                }
                Some(Err(error)) => return Err(explain(error)),
            }
        }
    }

    /// The request for HTTP/2: with scheme and authority in place of `Host`, and without fields about the connection.
    fn translate(&self, request: Request<Bytes>) -> anyhow::Result<(Request<()>, Bytes)> {
        let (mut head, content) = request.into_parts();
        let mut parts = std::mem::take(&mut head.uri).into_parts();
        let scheme = if self.is_tls {
            Scheme::HTTPS
        } else {
            Scheme::HTTP
        };
        parts.scheme = Some(scheme);
        parts.authority = Some(self.authority.parse()?);
        head.uri = Uri::from_parts(parts)?;
        for name in [header::HOST, header::CONNECTION] {
            head.headers.remove(name);
        }
        if !content.is_empty() {
            head.headers
                .insert(header::CONTENT_LENGTH, content.len().into());
        }
        head.version = http::Version::HTTP_2;
        Ok((Request::from_parts(head, ()), content))
    }
}

impl From<h2::Error> for ExchangeError {
    fn from(error: h2::Error) -> Self {
        let is_unread = match error.reason() {
            Some(Reason::REFUSED_STREAM) => true,
            // The server names the last request that it accepted, and this one came after it.
            Some(Reason::NO_ERROR) => error.is_go_away(),
            _ => false,
        };
        match is_unread {
            true => Self::Unread,
            false => Self::Wrong(explain(error)),
        }
    }
}

/// Converts an error of `h2`.
fn explain(error: h2::Error) -> anyhow::Error {
    if error.is_io() {
        return match error.get_io().map(std::io::Error::kind) {
            Some(std::io::ErrorKind::UnexpectedEof | std::io::ErrorKind::BrokenPipe) => {
                anyhow!(CLOSED)
            }
            _ => error.into(),
        };
    }
    error.into()
}
