//! Known attacks on HTTP/2 servers, with hand-made frames: the attacker's connection may end, but no other client is
//! affected, and the server's memory does not grow.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpStream},
    time::Duration,
};

use crate::support::{
    client::{JSON, TestClient as _},
    eventually,
    process::Process,
    raw_connection::find,
};

pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;
const INITIAL_WINDOW_SIZE: u16 = 4;

const READ_TIMEOUT: Duration = Duration::from_secs(20);
/// More than the server takes for a hundred ordinary connections.
const MAX_GROWTH_MB: usize = 24;

pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len())
        .expect("a short payload")
        .to_be_bytes();
    let mut bytes = length[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// The header block (RFC 7541) of `GET target`, from HPACK's static table and literals.
pub fn get(target: &str) -> Vec<u8> {
    // :method GET, :scheme http, :path as a literal, :authority as a literal.
    let mut block = vec![0x82, 0x86, 0x04, u8::try_from(target.len()).expect("short")];
    block.extend(target.bytes());
    block.extend([0x01, 1, b'h']);
    block
}

pub struct Attacker(TcpStream);

impl Attacker {
    fn connect(server: &Process) -> Self {
        Self::with_settings(server, &[])
    }

    fn with_settings(server: &Process, settings: &[u8]) -> Self {
        let mut attacker = Self::bare(server);
        attacker.send(PREFACE);
        attacker.send(&frame(SETTINGS, 0, 0, settings));
        attacker
    }

    /// A connection on which nothing has been sent yet.
    pub fn bare(server: &Process) -> Self {
        let socket = TcpStream::connect(server.addr()).expect("connects");
        let limit = Some(Duration::from_secs(5));
        socket.set_write_timeout(limit).expect("set");
        socket.set_read_timeout(Some(READ_TIMEOUT)).expect("set");
        Self(socket)
    }

    pub fn socket(&self) -> &TcpStream {
        &self.0
    }

    pub fn try_send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.0.write_all(bytes)
    }

    /// Sends `bytes` up to `times` times without reading answers, until the server stops reading or closes.
    fn flood(&mut self, bytes: &[u8], times: usize) {
        // In batches, as an attacker would.
        let batch = bytes.repeat(64);
        for _ in 0..times / 64 {
            if self.0.write_all(&batch).is_err() {
                return;
            }
        }
    }

    fn send(&mut self, bytes: &[u8]) {
        self.try_send(bytes).expect("sends");
    }

    /// Reads until the server closes or resets the connection.
    pub fn read_to_end(&mut self) -> Vec<u8> {
        let mut received = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            match self.0.read(&mut buffer) {
                Ok(0) => return received,
                Ok(n) => received.extend(&buffer[..n]),
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {
                    return received;
                }
                Err(error) => panic!("the server did not close: {error}"),
            }
        }
    }

    /// Waits until the sent frames have had their effect: until the server has answered two PINGs, one after the other,
    /// or has closed. Returns what it sent in that time.
    pub fn settle(&mut self) -> Vec<u8> {
        let mut received = Vec::new();
        let mut buffer = [0; 16 * 1024];
        let patience = Some(Duration::from_millis(20));
        self.0.set_read_timeout(patience).expect("set");
        for number in 1..=2 {
            let ping = [number; 8];
            // The server may have closed already.
            let _ = self.try_send(&frame(PING, 0, 0, &ping));
            while find(&received, &frame(PING, 1, 0, &ping)).is_none() {
                match self.0.read(&mut buffer) {
                    Ok(count @ 1..) => received.extend(&buffer[..count]),
                    _ => break,
                }
            }
        }
        self.0.set_read_timeout(Some(READ_TIMEOUT)).expect("set");
        received
    }

    /// Sends a PING with `number` as its payload, and waits for its answer: the connection is open.
    fn await_ping(&mut self, number: u8) {
        self.send(&frame(PING, 0, 0, &[number; 8]));
        while self.next_frame() != (PING, ACK, 0, vec![number; 8]) {}
    }

    /// The next frame: its kind, flags, stream and payload.
    fn next_frame(&mut self) -> (u8, u8, u32, Vec<u8>) {
        let mut head = [0; 9];
        self.0.read_exact(&mut head).expect("a frame");
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        self.0.read_exact(&mut payload).expect("its payload");
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        (head[3], head[4], stream, payload)
    }
}

/// Whether frames in `bytes` have one of this kind.
fn has_frame(bytes: &[u8], kind: u8) -> bool {
    frame_kinds(bytes).any(|found| found == kind)
}

/// The kind of each frame in `bytes`.
fn frame_kinds(mut bytes: &[u8]) -> impl Iterator<Item = u8> {
    std::iter::from_fn(move || {
        let (head, rest) = bytes.split_first_chunk::<9>()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        bytes = rest.get(length..).unwrap_or_default();
        Some(head[3])
    })
}

fn server() -> Process {
    Process::start(&["--store", "memory"])
}

/// Checks that the server still answers others, and that its memory has not grown.
fn assert_unharmed(server: &Process, megabytes_before: usize) {
    server.publish_text("lobby", "hello");
    assert_eq!(server.get("/poll?last=1").status(), 200);
    let grown = server.resident_megabytes().saturating_sub(megabytes_before);
    assert!(grown < MAX_GROWTH_MB, "{grown} MB more");
}

#[test]
fn a_header_block_without_end_ends_its_connection() {
    let server = server();
    let before = server.resident_megabytes();
    let mut attacker = Attacker::connect(&server);
    attacker.send(&frame(HEADERS, END_STREAM, 1, &get("/poll")));
    // 64 MiB of literal fields without indexing, and never END_HEADERS.
    let mut field = vec![0x00, 1, b'x', 126];
    field.extend([b'v'; 126]);
    attacker.flood(&frame(CONTINUATION, 0, 1, &field.repeat(64)), 8192);
    attacker.read_to_end();
    assert_unharmed(&server, before);
}

#[test]
fn a_header_list_that_is_too_large_is_431_and_counted() {
    let server = server();
    let before = server.resident_megabytes();
    let mut attacker = Attacker::connect(&server);
    let mut block = get("/poll");
    // Two fields of 12 KiB each: literals with a new name and a value of `x`.
    for _ in 0..2 {
        block.extend([0x00, 1, b'x']);
        // 12,288 with a prefix of seven bits (RFC 7541, 5.1).
        block.extend([0x7f, 0x81, 0x5f]);
        block.extend([b'y'; 12_288]);
    }
    let (first, rest) = block.split_at(16_000);
    attacker.send(&frame(HEADERS, END_STREAM, 1, first));
    attacker.send(&frame(CONTINUATION, END_HEADERS, 1, rest));
    let status = loop {
        let (kind, _, stream, payload) = attacker.next_frame();
        if (kind, stream) == (HEADERS, 1) {
            break payload;
        }
    };
    // `:status` by its index in the table, and `431` as a Huffman code of three bytes.
    assert_eq!(status, [0x48, 0x83, 0x69, 0x90, 0xff]);
    eventually("the refusal is counted", || {
        let metrics = server.get("/metrics").text();
        metrics.contains("poll_vs_sse_refused_total{reason=\"head\"} 1")
    });
    assert_unharmed(&server, before);
}

#[test]
fn a_host_that_is_given_twice_is_refused() {
    let server = server();
    let mut attacker = Attacker::connect(&server);
    let mut block = get("/healthz");
    for host in ["a", "b c"] {
        block.extend([0x00, 4]);
        block.extend(b"host");
        block.push(u8::try_from(host.len()).expect("short"));
        block.extend(host.bytes());
    }
    attacker.send(&frame(HEADERS, END_STREAM | END_HEADERS, 1, &block));
    let head = loop {
        let (kind, _, stream, payload) = attacker.next_frame();
        if (kind, stream) == (HEADERS, 1) {
            break payload;
        }
    };
    // `:status: 400` by its index in HPACK's static table.
    assert_eq!(head[0], 0x80 | 12);
}

#[test]
fn streams_that_are_reset_at_once_leave_nothing_open() {
    let server = server();
    let before = server.resident_megabytes();
    let mut attacker = Attacker::connect(&server);
    let cancel = 8_u32.to_be_bytes();
    for n in 0..20_000 {
        let stream = 2 * n + 1;
        let mut bytes = frame(
            HEADERS,
            END_STREAM | END_HEADERS,
            stream,
            &get("/poll?wait=60&client=rapid"),
        );
        bytes.extend(frame(RST_STREAM, 0, stream, &cancel));
        if attacker.0.write_all(&bytes).is_err() {
            break;
        }
    }
    attacker.0.shutdown(Shutdown::Write).ok();
    assert_unharmed(&server, before);
    eventually("none of them is open", || {
        server.cost("long-poll")["open"] == 0
    });
}

#[test]
fn streams_that_are_reset_slowly_are_not_kept_until_the_connection_ends() {
    let server = server();
    let mut attacker = Attacker::connect(&server);
    let cancel = 8_u32.to_be_bytes();
    // Few enough at a time that `h2` does not end the connection.
    for batch in 0..50_u32 {
        let mut bytes = Vec::new();
        for n in 0..10 {
            let stream = 2 * (10 * batch + n) + 1;
            let poll = get("/poll?wait=60&client=slow");
            bytes.extend(frame(HEADERS, END_STREAM | END_HEADERS, stream, &poll));
            bytes.extend(frame(RST_STREAM, 0, stream, &cancel));
        }
        attacker.send(&bytes);
        attacker.await_ping(batch as u8);
    }
    eventually(
        "each has its log line, while the connection is open",
        || server.stdout.text().matches(" client=slow ").count() == 500,
    );
    let cost = server.cost("long-poll");
    assert_eq!(cost["requests"], 500);
    assert!(cost["wire_bytes_in"].as_u64() > Some(500 * 20), "{cost}");
    attacker.await_ping(u8::MAX);
}

#[test]
fn a_flood_of_pings_takes_no_memory() {
    let server = server();
    let before = server.resident_megabytes();
    let mut attacker = Attacker::connect(&server);
    // Each PING requires an answer, and none is read.
    attacker.flood(&frame(PING, 0, 0, &[7; 8]), 400_000);
    assert_unharmed(&server, before);
}

#[test]
fn a_flood_of_settings_takes_no_memory() {
    let server = server();
    let before = server.resident_megabytes();
    let mut attacker = Attacker::connect(&server);
    attacker.flood(&frame(SETTINGS, 0, 0, &[]), 400_000);
    assert_unharmed(&server, before);
}

#[test]
fn a_flood_of_empty_data_and_window_updates_takes_no_memory() {
    let server = server();
    let before = server.resident_megabytes();
    let mut attacker = Attacker::connect(&server);
    // A publish whose body never ends, in empty frames.
    let mut post = vec![0x83, 0x86, 0x04, 9];
    post.extend(b"/messages");
    post.extend([0x01, 1, b'h']);
    attacker.send(&frame(HEADERS, END_HEADERS, 1, &post));
    let mut bytes = frame(DATA, 0, 1, &[]);
    bytes.extend(frame(WINDOW_UPDATE, 0, 1, &1_u32.to_be_bytes()));
    attacker.flood(&bytes, 200_000);
    assert_unharmed(&server, before);
}

#[test]
fn a_window_update_of_0_ends_the_connection_with_an_error() {
    let server = server();
    let mut attacker = Attacker::connect(&server);
    attacker.send(&frame(WINDOW_UPDATE, 0, 0, &0_u32.to_be_bytes()));
    assert!(has_frame(&attacker.read_to_end(), GOAWAY));
}

#[test]
fn invalid_frames_end_only_their_connection() {
    let server = server();
    let before = server.resident_megabytes();
    let nonsense = [
        // DATA on an idle stream; HEADERS on stream 0 and on an even one; a PING that is too short; a CONTINUATION
        // without HEADERS; a frame larger than the negotiated size.
        frame(DATA, 0, 5, b"x"),
        frame(HEADERS, END_HEADERS, 0, &get("/poll")),
        frame(HEADERS, END_HEADERS, 2, &get("/poll")),
        frame(PING, 0, 0, &[1; 7]),
        frame(CONTINUATION, END_HEADERS, 1, &get("/poll")),
        frame(DATA, 0, 1, &vec![0; 20_000]),
        // A reference beyond the end of HPACK's table.
        frame(
            HEADERS,
            END_HEADERS | END_STREAM,
            1,
            &[0xff, 0xff, 0xff, 0x0f],
        ),
    ];
    for bytes in nonsense {
        let mut attacker = Attacker::connect(&server);
        attacker.send(&bytes);
        assert!(has_frame(&attacker.read_to_end(), GOAWAY), "{bytes:?}");
    }
    assert_unharmed(&server, before);
}

#[test]
fn a_reader_that_opens_no_window_holds_up_no_other_stream() {
    let server = server();
    let before = server.resident_megabytes();
    let mut settings = INITIAL_WINDOW_SIZE.to_be_bytes().to_vec();
    settings.extend(0_u32.to_be_bytes());
    let mut reader = Attacker::with_settings(&server, &settings);
    for stream in [1, 3] {
        let headers = frame(
            HEADERS,
            END_STREAM | END_HEADERS,
            stream,
            &get("/stream?last=0"),
        );
        reader.send(&headers);
    }
    // Both streams share the connection's window, so it must be open.
    reader.send(&frame(WINDOW_UPDATE, 0, 0, &(1_u32 << 24).to_be_bytes()));
    reader.send(&frame(WINDOW_UPDATE, 0, 3, &(1_u32 << 24).to_be_bytes()));
    eventually("both are open", || server.cost("stream")["requests"] == 2);
    let text = "x".repeat(4096);
    let draft = format!(r#"{{"author": "mina", "text": "{text}"}}"#);
    let mut publisher = server.raw();
    let mut received = 0;
    for _ in 0..500 {
        let published = publisher.ask("POST", "/messages", &[JSON], draft.as_bytes());
        assert_eq!(published.status(), 201);
    }
    while received < 500 * text.len() {
        let (kind, _, stream, payload) = reader.next_frame();
        if kind == DATA {
            assert_eq!(stream, 3, "the other has no window");
            received += payload.len();
        }
    }
    assert_unharmed(&server, before);
}

#[test]
fn answers_that_are_not_taken_delay_the_next_ones() {
    const REQUESTS: u32 = 60;
    let server = server();
    let window = |bytes: u32| {
        let mut setting = INITIAL_WINDOW_SIZE.to_be_bytes().to_vec();
        setting.extend(bytes.to_be_bytes());
        setting
    };
    let mut attacker = Attacker::with_settings(&server, &window(0));
    for n in 0..REQUESTS {
        let stream = 2 * n + 1;
        let headers = frame(
            HEADERS,
            END_STREAM | END_HEADERS,
            stream,
            &get("/openapi.json"),
        );
        attacker.send(&headers);
    }
    let received = attacker.settle();
    let begun = frame_kinds(&received)
        .filter(|kind| *kind == HEADERS)
        .count();
    assert!(
        begun > 1 && begun < REQUESTS as usize / 2,
        "{begun} answers"
    );

    // Nothing is lost for a client that takes them later.
    attacker.send(&frame(WINDOW_UPDATE, 0, 0, &(1_u32 << 24).to_be_bytes()));
    attacker.send(&frame(SETTINGS, 0, 0, &window(1 << 20)));
    let mut complete = 0;
    while complete < REQUESTS {
        let (kind, flags, ..) = attacker.next_frame();
        complete += u32::from(kind == DATA && flags & END_STREAM != 0);
    }
}
