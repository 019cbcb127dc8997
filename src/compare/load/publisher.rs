//! The publisher: sends each message when it is due, whatever became of the one before.
//!
//! It has threads of its own, so that it keeps its times while ten thousand clients keep the runtime
//! busy. Each thread is a lane: its messages go out one after the other on one connection, as only
//! then is there an order to hold readers to. Where an answer is late, the next message is late as
//! well; its delay counts from when it was due all the same.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};

use super::{
    connect::connect_within,
    http::{Answered, Body, Head},
};
use crate::compare::{
    books::recorder::Recorder, outcome::Publishing as Summary, target::requests::Publishing,
};

/// Messages a second that one lane is given at most.
const LANE_RATE: f64 = 25.0;
const MAX_LANES: usize = 8;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// A connection that was idle for longer may have been closed by the server.
const STALE: Duration = Duration::from_secs(2);
/// What is still to be sent so long after the measured time is given up.
const OVERTIME_US: u64 = 15_000_000;
/// Longest sleep at once, so that a run that is cut ends soon.
const NAP: Duration = Duration::from_millis(50);

/// In how many lanes `rate` messages a second are published.
pub fn lanes(rate: f64) -> usize {
    ((rate / LANE_RATE).ceil() as usize).clamp(1, MAX_LANES)
}

/// The running lanes.
pub struct Publisher {
    lanes: Vec<JoinHandle<Published>>,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Published {
    /// The messages that were not accepted, or perhaps not.
    pub refused: Vec<u64>,
    pub late_us_max: u64,
    pub first_error: Option<String>,
}

impl Publisher {
    /// Starts to publish. The window has begun.
    pub fn start(recorder: &Arc<Recorder>, addr: SocketAddr, publishing: &Arc<Publishing>) -> Self {
        let lane = |first: usize| {
            let mut lane = Lane {
                recorder: recorder.clone(),
                publishing: publishing.clone(),
                connection: Connection::new(addr),
                published: Published::default(),
            };
            std::thread::spawn(move || {
                lane.run(first as u64);
                lane.published
            })
        };
        Self {
            lanes: (0..recorder.lanes).map(lane).collect(),
        }
    }

    pub fn is_done(&self) -> bool {
        self.lanes.iter().all(JoinHandle::is_finished)
    }

    /// Waits for the end.
    pub fn join(self) -> Published {
        let mut all = Published::default();
        for lane in self.lanes {
            let Ok(part) = lane.join() else {
                all.first_error = Some("the publisher broke down".to_owned());
                continue;
            };
            all.refused.extend(part.refused);
            all.late_us_max = all.late_us_max.max(part.late_us_max);
            all.first_error = all.first_error.or(part.first_error);
        }
        all
    }
}

impl Published {
    pub fn summary(&self) -> Summary {
        Summary {
            refused: self.refused.len() as u64,
            late_us_max: self.late_us_max,
        }
    }
}

struct Lane {
    recorder: Arc<Recorder>,
    publishing: Arc<Publishing>,
    connection: Connection,
    published: Published,
}

impl Lane {
    fn run(&mut self, first: u64) {
        let window = &self.recorder.window;
        for sequence in (first..window.messages()).step_by(self.recorder.lanes) {
            let due = window.due_us(sequence);
            while window.now_us() < due && due < window.end_us() {
                let left = Duration::from_micros(due.saturating_sub(window.now_us()));
                std::thread::sleep(left.min(NAP));
            }
            if due >= window.end_us() {
                return;
            }
            let now = window.now_us();
            let published = &mut self.published;
            published.late_us_max = published.late_us_max.max(now.saturating_sub(due));
            let sent = if now > window.end_us() + OVERTIME_US {
                Err(anyhow::anyhow!("publishing took too long"))
            } else {
                self.connection.send(&self.publishing.request(sequence))
            };
            if let Err(error) = sent {
                published.refused.push(sequence);
                let why = || format!("publishing: {error:#}");
                published.first_error.get_or_insert_with(why);
            }
        }
    }
}

/// A blocking connection for one request at a time.
pub struct Connection {
    addr: SocketAddr,
    stream: Option<(TcpStream, Instant)>,
    /// What the server calls itself, once it has answered.
    pub server: Option<String>,
}

impl Connection {
    pub fn new(addr: SocketAddr) -> Self {
        Self {
            addr,
            stream: None,
            server: None,
        }
    }

    /// Sends a request and waits for its answer, which must be a 2xx.
    pub fn send(&mut self, request: &[u8]) -> Result<()> {
        let kept = self.stream.take();
        let fresh = kept.filter(|(_, used)| used.elapsed() < STALE);
        let stream = match fresh {
            Some((stream, _)) => stream,
            None => self.open()?,
        };
        let head = exchange(&stream, request, &mut self.server)?;
        if !head.closes {
            self.stream = Some((stream, Instant::now()));
        }
        ensure!(head.status / 100 == 2, Answered(head.status));
        Ok(())
    }

    fn open(&self) -> Result<TcpStream> {
        let stream = connect_within(self.addr, PATIENCE)
            .with_context(|| format!("cannot connect to {}", self.addr))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(stream)
    }
}

fn exchange(mut stream: &TcpStream, request: &[u8], server: &mut Option<String>) -> Result<Head> {
    stream.write_all(request).context("cannot send")?;
    let mut buffer = [0; 4096];
    let mut raw = Vec::new();
    let mut more = |raw: &mut Vec<u8>| -> Result<usize> {
        let count = stream.read(&mut buffer).context("no answer")?;
        raw.extend_from_slice(&buffer[..count]);
        Ok(count)
    };
    let head = loop {
        let header = |name: &str, value: &[u8]| {
            if server.is_none() && name.eq_ignore_ascii_case("server") {
                *server = Some(String::from_utf8_lossy(value).into_owned());
            }
        };
        match Head::parse(&raw, header)? {
            Some(head) if head.status >= 200 => break head,
            Some(head) => drop(raw.drain(..head.length)),
            None => ensure!(
                more(&mut raw)? > 0,
                "the connection was closed without an answer"
            ),
        }
    };
    raw.drain(..head.length);
    let mut body = Body::new(head.framing);
    loop {
        body.take(&mut raw, &mut Vec::new())?;
        if body.is_done() {
            return Ok(head);
        }
        if more(&mut raw)? == 0 {
            ensure!(body.may_end(), "the answer was cut short");
            return Ok(head);
        }
    }
}
