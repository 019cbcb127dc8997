//! A small proxy with one fault, which serves one request on each connection.

use std::{
    collections::HashMap,
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread,
    time::{Duration, Instant},
};

use flate2::{Compression, write::GzEncoder};

use super::TEST_TIMEOUT;

/// The fault of a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyFault {
    None,
    /// Holds a stream's answer back until it has this many bytes.
    Buffer(usize),
    /// Compresses a stream, event by event.
    Compress,
    /// Ends an answer after this time without a byte.
    CutSilence(Duration),
    /// Ends an answer of this age.
    CutAge(Duration),
    /// Does not pass on Last-Event-ID.
    DropLastEventId,
    /// Renames the ids of events.
    DropIds,
    /// Redirects each request of a reader once, to the same path with another query parameter.
    Redirect,
    /// Answers a poll that it has seen from memory.
    CachePolls,
    /// Sends this answer to requests whose line begins with the first of these, without asking the server.
    Answer(&'static str, &'static str),
    /// Closes the connection of requests whose line begins with this.
    Close(&'static str),
    /// Holds the answer to a publish back for this time.
    SlowPublish(Duration),
    /// Holds each piece of a stream back for this time.
    SlowStream(Duration),
}

/// A running proxy. It accepts no further connections once it is dropped.
pub struct FaultyProxy {
    pub addr: SocketAddr,
    stop: Arc<AtomicBool>,
}

/// The query parameter of requests that were redirected.
const REDIRECTED: &str = "redirected=1";

type AnswerCache = Arc<Mutex<HashMap<String, Vec<u8>>>>;

impl FaultyProxy {
    /// Starts a proxy in front of `server`.
    pub fn start(server: SocketAddr, fault: ProxyFault) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let addr = listener.local_addr().expect("an address");
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let cache = AnswerCache::default();
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if stopped.load(SeqCst) {
                    return;
                }
                let cache = cache.clone();
                thread::spawn(move || serve(client, server, fault, &cache));
            }
        });
        Self { addr, stop }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }
}

impl Drop for FaultyProxy {
    fn drop(&mut self) {
        self.stop.store(true, SeqCst);
        // Wakes the accepting thread.
        let _ = TcpStream::connect(self.addr);
    }
}

/// Serves one request. Any error ends the connection.
fn serve(
    mut client: TcpStream,
    server: SocketAddr,
    fault: ProxyFault,
    cache: &AnswerCache,
) -> io::Result<()> {
    client.set_read_timeout(Some(TEST_TIMEOUT))?;
    client.set_nodelay(true)?;
    let request = read_request(&mut client)?;
    let line = request.lines().next().unwrap_or_default().to_owned();
    match fault {
        ProxyFault::Close(part) if line.starts_with(part) => return Ok(()),
        ProxyFault::Redirect if line.starts_with("GET") && !line.contains(REDIRECTED) => {
            let path = line.split(' ').nth(1).unwrap_or_default();
            let mark = if path.contains('?') { "&" } else { "?" };
            let location = format!("Location: {path}{mark}{REDIRECTED}\r\nContent-Length: 0");
            return write!(client, "HTTP/1.1 302 Found\r\n{location}\r\n\r\n");
        }
        ProxyFault::Answer(part, answer) if line.starts_with(part) => {
            return client.write_all(answer.as_bytes());
        }
        _ => {}
    }
    let mut server = TcpStream::connect(server)?;
    server.set_nodelay(true)?;
    let forwarded = match fault {
        ProxyFault::DropLastEventId => without_header(&request, "last-event-id"),
        ProxyFault::Redirect => request.replacen(&format!("&{REDIRECTED}"), "", 1).replacen(
            &format!("?{REDIRECTED}"),
            "",
            1,
        ),
        _ => request,
    };
    let forwarded = forwarded.replacen("\r\n", "\r\nConnection: close\r\n", 1);
    server.write_all(forwarded.as_bytes())?;
    let is_stream = line.starts_with("GET /stream");
    match fault {
        ProxyFault::Buffer(bytes) if is_stream => copy_in_blocks(&mut server, &mut client, bytes),
        ProxyFault::Compress if is_stream => copy_compressed(&mut server, &mut client),
        ProxyFault::CutSilence(limit) => {
            server.set_read_timeout(Some(limit))?;
            copy(&mut server, &mut client, None)
        }
        ProxyFault::DropIds if is_stream => copy_without_ids(&mut server, &mut client),
        ProxyFault::SlowStream(time) if is_stream => copy_slowly(&mut server, &mut client, time),
        ProxyFault::SlowPublish(time) if line.starts_with("POST") => {
            let mut answer = Vec::new();
            server.read_to_end(&mut answer)?;
            thread::sleep(time);
            client.write_all(&answer)
        }
        ProxyFault::CutAge(limit) => copy(&mut server, &mut client, Some(Instant::now() + limit)),
        ProxyFault::CachePolls if line.starts_with("GET /poll") => {
            let known = cache.lock().expect("whole").get(&line).cloned();
            let answer = match known {
                Some(answer) => answer,
                None => {
                    let mut answer = Vec::new();
                    server.read_to_end(&mut answer)?;
                    cache.lock().expect("whole").insert(line, answer.clone());
                    answer
                }
            };
            client.write_all(&answer)
        }
        _ => copy(&mut server, &mut client, None),
    }
}

fn read_request(client: &mut TcpStream) -> io::Result<String> {
    let mut raw = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&raw).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .filter_map(|line| line.split_once(": "))
                .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                .map_or(0, |(_, value)| value.parse().expect("a length"));
            if body.len() >= length {
                return Ok(text);
            }
        }
        match client.read(&mut buffer)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => raw.extend_from_slice(&buffer[..count]),
        }
    }
}

fn without_header(request: &str, name: &str) -> String {
    let (head, body) = request.split_once("\r\n\r\n").expect("whole");
    let lines = head
        .split("\r\n")
        .filter(|line| !line.to_lowercase().starts_with(&format!("{name}:")));
    let lines: Vec<&str> = lines.collect();
    format!("{}\r\n\r\n{body}", lines.join("\r\n"))
}

fn copy(
    server: &mut TcpStream,
    client: &mut TcpStream,
    deadline: Option<Instant>,
) -> io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        if let Some(deadline) = deadline {
            let left = deadline.saturating_duration_since(Instant::now());
            server.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
            if left.is_zero() {
                return Ok(());
            }
        }
        match server.read(&mut buffer)? {
            0 => return Ok(()),
            count => client.write_all(&buffer[..count])?,
        }
    }
}

fn copy_without_ids(server: &mut TcpStream, client: &mut TcpStream) -> io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        match server.read(&mut buffer)? {
            0 => return Ok(()),
            // The same length, because of the framing.
            count => {
                let text = String::from_utf8_lossy(&buffer[..count]);
                client.write_all(text.replace("id: ", "no: ").as_bytes())?;
            }
        }
    }
}

fn copy_slowly(server: &mut TcpStream, client: &mut TcpStream, time: Duration) -> io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        match server.read(&mut buffer)? {
            0 => return Ok(()),
            count => {
                thread::sleep(time);
                client.write_all(&buffer[..count])?;
            }
        }
    }
}

fn copy_in_blocks(server: &mut TcpStream, client: &mut TcpStream, bytes: usize) -> io::Result<()> {
    let mut held = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let count = server.read(&mut buffer)?;
        held.extend_from_slice(&buffer[..count]);
        if held.len() >= bytes || count == 0 {
            client.write_all(&std::mem::take(&mut held))?;
        }
        if count == 0 {
            return Ok(());
        }
    }
}

fn copy_compressed(server: &mut TcpStream, client: &mut TcpStream) -> io::Result<()> {
    let mut raw = Vec::new();
    let mut buffer = [0; 4096];
    let end = loop {
        if let Some(at) = raw.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        match server.read(&mut buffer)? {
            0 => return Ok(()),
            count => raw.extend_from_slice(&buffer[..count]),
        }
    };
    let head = String::from_utf8_lossy(&raw[..end]).to_lowercase();
    let is_chunked = head.contains("transfer-encoding: chunked");
    client.write_all(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\n\
          Connection: close\r\n\r\n",
    )?;
    let mut encoder = GzEncoder::new(client, Compression::fast());
    let mut rest = raw.split_off(end);
    loop {
        let body = match is_chunked {
            true => take_chunks(&mut rest),
            false => std::mem::take(&mut rest),
        };
        encoder.write_all(&body)?;
        encoder.flush()?;
        match server.read(&mut buffer)? {
            0 => return Ok(()),
            count => rest.extend_from_slice(&buffer[..count]),
        }
    }
}

/// The contents of the complete chunks. This does not use the instrument's code, which is under test.
fn take_chunks(raw: &mut Vec<u8>) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(at) = raw.windows(2).position(|two| two == b"\r\n") {
        let digits = String::from_utf8_lossy(&raw[..at]).into_owned();
        let size = usize::from_str_radix(digits.trim(), 16).expect("a size");
        if raw.len() < at + 2 + size + 2 {
            break;
        }
        body.extend_from_slice(&raw[at + 2..at + 2 + size]);
        raw.drain(..at + 2 + size + 2);
    }
    body
}
