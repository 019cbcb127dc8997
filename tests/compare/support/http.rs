//! A small server for the tests, with a thread for each connection and the kernel's byte counts.

use std::{
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    os::fd::AsRawFd as _,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread,
};

use super::TEST_TIMEOUT;

/// A completely read request.
pub struct Request {
    pub method: String,
    pub path: String,
    query: String,
    /// The request line and the headers.
    pub head: String,
    pub body: String,
    /// Connections are numbered from 0 in the order of their first requests for the same path.
    pub connection: usize,
}

impl Request {
    /// A parameter of the query, without decoding.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let mut pairs = self
            .query
            .split('&')
            .filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
    }
}

/// Answers one request. An error ends the connection.
pub type Handler = dyn Fn(&Request, &mut TcpStream) -> io::Result<()> + Send + Sync;

/// A listening server, stopped on drop.
pub struct Server {
    pub addr: SocketAddr,
    stop: Arc<AtomicBool>,
    carried: Arc<Mutex<CarriedBytes>>,
    open: Arc<AtomicUsize>,
}

/// The kernel's byte counts of all ended connections except those that published.
#[derive(Debug, Default, Clone, Copy)]
pub struct CarriedBytes {
    pub bytes_in: u64,
    pub bytes_out: u64,
}

impl Server {
    pub fn start(handler: Arc<Handler>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let addr = listener.local_addr().expect("an address");
        let stop = Arc::new(AtomicBool::new(false));
        let carried = Arc::new(Mutex::new(CarriedBytes::default()));
        let open = Arc::new(AtomicUsize::new(0));
        let numbers = Arc::new(Mutex::new(ConnectionNumbers::default()));
        let (stopped, sum, count) = (stop.clone(), carried.clone(), open.clone());
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if stopped.load(SeqCst) {
                    return;
                }
                let (handler, sum, count) = (handler.clone(), sum.clone(), count.clone());
                let numbers = numbers.clone();
                count.fetch_add(1, SeqCst);
                thread::spawn(move || {
                    let published =
                        serve(&*handler, &numbers, stream.try_clone().expect("a socket"));
                    if !published {
                        let carried = kernel_byte_counts(&stream);
                        let mut sum = sum.lock().expect("whole");
                        sum.bytes_in += carried.bytes_in;
                        sum.bytes_out += carried.bytes_out;
                    }
                    count.fetch_sub(1, SeqCst);
                });
            }
        });
        Self {
            addr,
            stop,
            carried,
            open,
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The kernel's byte counts for readers, once all connections have ended.
    pub fn carried(&self) -> CarriedBytes {
        let begin = std::time::Instant::now();
        while self.open.load(SeqCst) > 0 {
            assert!(begin.elapsed() < TEST_TIMEOUT, "connections did not end");
            thread::yield_now();
        }
        *self.carried.lock().expect("whole")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, SeqCst);
        // Wakes the accepting thread.
        let _ = TcpStream::connect(self.addr);
    }
}

/// Numbers connections by the path of their first request.
#[derive(Default)]
struct ConnectionNumbers(std::collections::HashMap<String, usize>);

impl ConnectionNumbers {
    fn next(&mut self, path: &str) -> usize {
        let count = self.0.entry(path.to_owned()).or_default();
        *count += 1;
        *count - 1
    }
}

/// Serves a connection until it ends. Returns whether it was a publisher's.
fn serve(handler: &Handler, numbers: &Mutex<ConnectionNumbers>, mut stream: TcpStream) -> bool {
    stream
        .set_read_timeout(Some(TEST_TIMEOUT))
        .expect("settable");
    stream.set_nodelay(true).expect("settable");
    let mut raw = Vec::new();
    let mut published = false;
    let mut number = None;
    while let Ok(Some(mut request)) = read_request(&mut stream, &mut raw) {
        published |= request.method != "GET";
        let first = || numbers.lock().expect("whole").next(&request.path);
        request.connection = *number.get_or_insert_with(first);
        if handler(&request, &mut stream).is_err() {
            break;
        }
    }
    published
}

fn read_request(stream: &mut TcpStream, raw: &mut Vec<u8>) -> io::Result<Option<Request>> {
    let mut buffer = [0; 4096];
    loop {
        if let Some((length, request)) = parse_request(raw) {
            raw.drain(..length);
            return Ok(Some(request));
        }
        match stream.read(&mut buffer)? {
            0 => return Ok(None),
            count => raw.extend_from_slice(&buffer[..count]),
        }
    }
}

fn parse_request(raw: &[u8]) -> Option<(usize, Request)> {
    let text = std::str::from_utf8(raw).expect("UTF-8");
    let (head, rest) = text.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    let mut words = lines.next()?.split(' ');
    let (method, target) = (words.next()?, words.next()?);
    let length = lines
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, value)| value.parse().expect("a length"));
    let body = rest.get(..length)?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let request = Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        head: head.to_owned(),
        body: body.to_owned(),
        connection: 0,
    };
    Some((head.len() + 4 + length, request))
}

/// Sends an answer with a length.
pub fn send_answer(stream: &mut TcpStream, status: &str, body: &str) -> io::Result<()> {
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + body).as_bytes())
}

/// Sends the head of an event stream.
pub fn send_stream_head(stream: &mut TcpStream) -> io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
}

/// The kernel's byte counts of a connection.
fn kernel_byte_counts(stream: &TcpStream) -> CarriedBytes {
    // Offsets in `struct tcp_info` of include/uapi/linux/tcp.h, to which fields are only appended.
    const BYTES_ACKED: usize = 120;
    const BYTES_RECEIVED: usize = 128;
    let mut raw = [0u8; 256];
    let mut length = raw.len() as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` bytes into `raw`.
    let result = unsafe {
        libc::getsockopt(
            stream.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            raw.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    assert_eq!(result, 0, "TCP_INFO");
    assert!(
        length as usize >= BYTES_RECEIVED + 8,
        "the kernel's tcp_info is too short"
    );
    let at = |offset: usize| u64::from_ne_bytes(raw[offset..offset + 8].try_into().expect("eight"));
    CarriedBytes {
        bytes_out: at(BYTES_ACKED),
        bytes_in: at(BYTES_RECEIVED),
    }
}
