//! A server with one kind of error, for testing the audit: a real server behind a proxy that alters its answers.

use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::{Instant, timeout},
};

use crate::{http::Connection, record::Transport};

/// One in this many deliveries of a transport is altered, and one in this many messages lost.
const ALTER_ONE_IN: u64 = 5;
/// Answers are altered for this time after the first publish, but not until the end, because readers wait for the last
/// messages.
const ALTER_TIME: Duration = Duration::from_millis(1200);
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a stream's message is held back so that another one can overtake it.
const REORDER_WAIT: Duration = Duration::from_millis(200);
const RESET: &str = "event: reset\ndata: {\"reason\": \"unknown\"}\n\n";
const TEXT: &str = "\"text\":\"";

/// The error of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Mutation {
    /// No error.
    Nothing,
    /// Messages are left out.
    Miss,
    /// Messages are delivered twice.
    Repeat,
    /// Messages are delivered after later ones.
    Disorder,
    /// Messages are acknowledged but lost.
    Loss,
    /// A read does not see messages that were acknowledged before it began.
    Blindness,
    /// Messages are delivered that were never published.
    Forgery,
    /// Readers get a reset although nothing is missing.
    Alarm,
}

/// A proxy with one kind of error.
pub struct FaultyProxy {
    server: SocketAddr,
    mutation: Mutation,
    /// Deliveries so far, by transport.
    deliveries: [AtomicU64; 3],
    published: AtomicU64,
    began: OnceLock<Instant>,
    /// The beginnings of the texts of lost messages.
    lost: Mutex<Vec<String>>,
}

impl FaultyProxy {
    /// Starts a proxy in front of `server`, and returns its address.
    pub async fn start(server: SocketAddr, mutation: Mutation) -> io::Result<SocketAddr> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let addr = listener.local_addr()?;
        let proxy = Arc::new(Self {
            server,
            mutation,
            deliveries: Default::default(),
            published: AtomicU64::new(0),
            began: OnceLock::new(),
            lost: Mutex::default(),
        });
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(proxy.clone().serve(client));
            }
        });
        Ok(addr)
    }

    async fn serve(self: Arc<Self>, mut client: TcpStream) -> io::Result<()> {
        let mut server = Connection::open(self.server).await?;
        let mut input = Vec::new();
        while let Some(request) = next_request(&mut client, &mut input).await? {
            if request.starts_with("GET /stream") {
                return self.serve_stream(client, server, &request).await;
            }
            self.select_lost(&request);
            let answer = server.request(&request, RESPONSE_TIMEOUT).await?;
            let body = match request.starts_with("GET /poll") && answer.status == 200 {
                true => self.alter_page(&request, &answer.body)?,
                false => answer.body,
            };
            let close = if answer.is_last {
                "Connection: close\r\n"
            } else {
                ""
            };
            let (status, length) = (answer.status, body.len());
            let head =
                format!("HTTP/1.1 {status} As-Is\r\nContent-Length: {length}\r\n{close}\r\n");
            client.write_all(&[head.as_bytes(), &body].concat()).await?;
        }
        Ok(())
    }

    async fn serve_stream(
        &self,
        mut client: TcpStream,
        mut server: Connection,
        request: &str,
    ) -> io::Result<()> {
        let status = server.request_stream(request, RESPONSE_TIMEOUT).await?;
        let head = format!("HTTP/1.1 {status} As-Is\r\nContent-Type: text/event-stream\r\n\r\n");
        client.write_all(head.as_bytes()).await?;
        if status != 200 {
            return Ok(());
        }
        loop {
            let mut frames = vec![server.next_frame().await?];
            if self.mutation == Mutation::Disorder
                && let Ok(next) = timeout(REORDER_WAIT, server.next_frame()).await
            {
                frames.push(next?);
            }
            let frames = self.alter(Transport::Stream, frames).concat();
            client.write_all(frames.as_bytes()).await?;
        }
    }

    /// A poll's answer, altered.
    fn alter_page(&self, request: &str, body: &[u8]) -> io::Result<Vec<u8>> {
        let mut page: Value = serde_json::from_slice(body)?;
        let target = request.split(' ').nth(1).unwrap_or_default();
        let transport = match target.contains("&wait=") {
            true => Transport::LongPoll,
            false => Transport::Poll,
        };
        let messages = page["messages"].as_array().cloned().unwrap_or_default();
        let cursor = target
            .split('&')
            .find_map(|field| field.strip_prefix("cursor="));
        if self.mutation == Mutation::Blindness
            && let Some(cursor) = cursor
            && !messages.is_empty()
            && self.is_due(transport)
        {
            page["messages"] = Value::Array(Vec::new());
            page["cursor"] = cursor.into();
            return Ok(page.to_string().into_bytes());
        }
        let messages = messages.iter().map(Value::to_string).collect();
        let mut messages = self.alter(transport, messages);
        let count = messages.len();
        messages.retain(|message| message != RESET);
        if messages.len() < count {
            page["reset"] = "unknown".into();
        }
        let messages = messages.iter().map(|json| serde_json::from_str(json));
        page["messages"] = Value::Array(messages.collect::<Result<_, _>>()?);
        Ok(page.to_string().into_bytes())
    }

    /// Alters messages, or frames of a stream, before they are passed on.
    fn alter(&self, transport: Transport, messages: Vec<String>) -> Vec<String> {
        let mut altered = Vec::new();
        let mut messages = messages.into_iter().peekable();
        while let Some(message) = messages.next() {
            let strikes = is_message(&message) && self.is_due(transport);
            match self.mutation {
                Mutation::Miss if strikes => {}
                Mutation::Repeat if strikes => altered.extend([message.clone(), message]),
                Mutation::Disorder if strikes => {
                    altered.extend(messages.next_if(|next| is_message(next)));
                    altered.push(message);
                }
                Mutation::Loss if self.is_lost(&message) => {}
                Mutation::Forgery if strikes => {
                    altered.push(message.replacen(TEXT, &format!("{TEXT}9"), 1));
                }
                Mutation::Alarm if strikes => altered.extend([RESET.to_owned(), message]),
                _ => altered.push(message),
            }
        }
        altered
    }

    /// Counts a delivery, and returns whether it must be altered.
    fn is_due(&self, transport: Transport) -> bool {
        let number = 1 + self.deliveries[transport as usize].fetch_add(1, Relaxed);
        let every = match self.mutation {
            // These errors are not always visible: not every answer is checked, and not every message is followed by
            // another.
            Mutation::Blindness => 1,
            Mutation::Disorder => 2,
            _ => ALTER_ONE_IN,
        };
        number.is_multiple_of(every) && self.is_active()
    }

    fn is_active(&self) -> bool {
        let began = self.began.get();
        began.is_some_and(|began| began.elapsed() < ALTER_TIME)
    }

    /// Marks the message of a publish request as lost, if it is its turn.
    fn select_lost(&self, request: &str) {
        if !request.starts_with("POST ") {
            return;
        }
        self.began.get_or_init(Instant::now);
        let number = 1 + self.published.fetch_add(1, Relaxed);
        if number.is_multiple_of(ALTER_ONE_IN)
            && self.is_active()
            && let Some((_, text)) = request.split_once(TEXT)
            && let Some((name, _)) = text.split_once(' ')
        {
            let mut lost = self
                .lost
                .lock()
                .expect("no task panics while it holds the lock");
            lost.push(format!("{TEXT}{name} "));
        }
    }

    fn is_lost(&self, message: &str) -> bool {
        let lost = self
            .lost
            .lock()
            .expect("no task panics while it holds the lock");
        lost.iter().any(|text| message.contains(text))
    }
}

fn is_message(text: &str) -> bool {
    text.contains(TEXT)
}

/// The next whole request of a client; `None` at the end.
async fn next_request(client: &mut TcpStream, input: &mut Vec<u8>) -> io::Result<Option<String>> {
    loop {
        if let Some(length) = request_length(input)? {
            let request = input.drain(..length).collect();
            let request = String::from_utf8(request).map_err(|_| ErrorKind::InvalidData)?;
            return Ok(Some(request));
        }
        if client.read_buf(input).await? == 0 {
            return Ok(None);
        }
    }
}

/// The length of the first request in `input`, once it is complete.
fn request_length(input: &[u8]) -> io::Result<Option<usize>> {
    let mut headers = [httparse::EMPTY_HEADER; 16];
    let mut request = httparse::Request::new(&mut headers);
    let head = match request.parse(input) {
        Ok(httparse::Status::Complete(head)) => head,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(_) => return Err(ErrorKind::InvalidData.into()),
    };
    let mut headers = request.headers.iter();
    let length = headers.find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length = length.and_then(|length| std::str::from_utf8(length.value).ok()?.parse().ok());
    let whole = head + length.unwrap_or(0);
    Ok((input.len() >= whole).then_some(whole))
}
