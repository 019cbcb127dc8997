//! A simple message log for the tests, with configurable faults and costs.

use std::{
    collections::HashMap,
    io::{self, Read as _, Write as _},
    net::{Shutdown, TcpStream},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::{Duration, Instant},
};

use poll_vs_sse_instrument::{Profile, Target};

use super::http::{Request, Server, send_answer, send_stream_head};

/// The server's behaviour. Faults apply only to the rooms of a run, not to those of the preflight before it.
#[derive(Clone)]
pub struct Behaviour {
    /// The numbers of the messages that reader number `reader` gets when there are `messages` in total. For more
    /// messages it must only append.
    pub view: fn(reader: usize, messages: usize) -> Vec<usize>,
    /// The time from the publish of message `number` until it can be read.
    pub hold: fn(number: usize) -> Duration,
    /// Called when a poll is answered.
    pub work: Arc<dyn Fn() + Send + Sync>,
    /// Called when a message is published.
    pub published: Arc<dyn Fn() + Send + Sync>,
    /// The outcome of a run's poll number `count`, from 0.
    pub poll_outcome: fn(count: usize) -> PollOutcome,
    /// If set, a run's stream begins at the end of the log, and ends after this many messages.
    pub stream_length: Option<usize>,
}

/// The outcome of a poll.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum PollOutcome {
    Answered,
    /// Answered, and the connection is closed without announcing it in the answer.
    AnsweredAndClosed,
    /// Answered with something that is not JSON.
    Garbled,
    /// Answered with status 429.
    Refused,
    /// The connection is closed without an answer.
    Closed,
    /// Never answered.
    Ignored,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            view: |_, messages| (0..messages).collect(),
            hold: |_| Duration::ZERO,
            work: Arc::new(|| {}),
            published: Arc::new(|| {}),
            poll_outcome: |_| PollOutcome::Answered,
            stream_length: None,
        }
    }
}

/// The server's profile.
pub const PROFILE: &str = r#"
name = "log-of-the-tests"

[publish]
path = "/publish/{room}"
body = "{text}"

[poll]
path = "/poll/{room}"
cursor = [{ take = "json:next", send = "query:after" }]

[stream]
path = "/stream/{room}"
"#;

/// The messages of each room, with the time from which they are visible.
type RoomMessages = Mutex<HashMap<String, Vec<(Instant, String)>>>;

struct LogServer {
    rooms: RoomMessages,
    appended: Condvar,
    behaviour: Behaviour,
    polls: AtomicUsize,
}

pub fn start(behaviour: Behaviour) -> Server {
    let log = LogServer {
        rooms: Mutex::default(),
        appended: Condvar::new(),
        behaviour,
        polls: AtomicUsize::new(0),
    };
    Server::start(Arc::new(
        move |request: &Request, stream: &mut TcpStream| log.handle(request, stream),
    ))
}

/// `server` as a target of the instrument.
pub fn target(server: &Server) -> Target {
    let profile = Profile::parse(PROFILE).expect("sound");
    Target::remote(&server.url(), profile, None).expect("a target")
}

impl LogServer {
    fn handle(&self, request: &Request, stream: &mut TcpStream) -> io::Result<()> {
        let mut parts = request.path.trim_start_matches('/').split('/');
        let (what, room) = (parts.next(), parts.next().unwrap_or_default());
        match what {
            Some("publish") => {
                self.publish(room, &request.body);
                send_answer(stream, "201 Created", "")
            }
            Some("poll") => {
                let after = request
                    .parameter("after")
                    .map_or(0, |after| after.parse().expect("a place"));
                let (texts, next) = self.read(room, request.connection, after);
                (self.behaviour.work)();
                let body = serde_json::json!({"messages": texts, "next": next}).to_string();
                match self.poll_outcome(room) {
                    PollOutcome::Answered => send_answer(stream, "200 OK", &body),
                    PollOutcome::AnsweredAndClosed => {
                        send_answer(stream, "200 OK", &body)?;
                        // Immediately, so that the next request cannot come first.
                        stream.shutdown(Shutdown::Both)?;
                        Err(io::ErrorKind::ConnectionAborted.into())
                    }
                    PollOutcome::Garbled => send_answer(stream, "200 OK", "not JSON"),
                    PollOutcome::Refused => send_answer(stream, "429 Too Many Requests", ""),
                    PollOutcome::Closed => Err(io::ErrorKind::ConnectionAborted.into()),
                    // Blocks until the reader has gone.
                    PollOutcome::Ignored => stream.read(&mut [0]).map(drop),
                }
            }
            Some("stream") => {
                send_stream_head(stream)?;
                self.stream(room, request.connection, stream)
            }
            _ => send_answer(stream, "404 Not Found", ""),
        }
    }

    fn poll_outcome(&self, room: &str) -> PollOutcome {
        match room.starts_with("compare") {
            true => (self.behaviour.poll_outcome)(self.polls.fetch_add(1, SeqCst)),
            false => PollOutcome::Answered,
        }
    }

    fn publish(&self, room: &str, text: &str) {
        (self.behaviour.published)();
        let mut rooms = self.rooms.lock().expect("whole");
        let messages = rooms.entry(room.to_owned()).or_default();
        let hold = (self.behaviour.hold)(messages.len());
        messages.push((Instant::now() + hold, text.to_owned()));
        drop(rooms);
        self.appended.notify_all();
    }

    /// The messages for `reader` after its first `after`, and how many it has then.
    fn read(&self, room: &str, reader: usize, after: usize) -> (Vec<String>, usize) {
        let rooms = self.rooms.lock().expect("whole");
        let Some(messages) = rooms.get(room) else {
            return (Vec::new(), 0);
        };
        let now = Instant::now();
        let visible = messages.iter().take_while(|(at, _)| *at <= now).count();
        let view: Vec<usize> = match room.starts_with("compare") {
            true => (self.behaviour.view)(reader, visible),
            false => (0..visible).collect(),
        };
        let texts = view
            .iter()
            .skip(after)
            .map(|number| messages[*number].1.clone());
        (texts.collect(), view.len())
    }

    fn stream(&self, room: &str, reader: usize, stream: &mut TcpStream) -> io::Result<()> {
        let length = match room.starts_with("compare") {
            true => self.behaviour.stream_length,
            false => None,
        };
        let start = match length {
            Some(_) => self.read(room, reader, 0).1,
            None => 0,
        };
        let mut place = start;
        loop {
            if length.is_some_and(|length| place >= start + length) {
                // Without a length in the head, this is the end of the answer.
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            let (texts, next) = self.read(room, reader, place);
            place = next;
            for text in texts {
                write!(stream, "data: {text}\n\n")?;
            }
            // This write fails if the reader has gone, and lets time pass for messages to become visible.
            stream.write_all(b":\n\n")?;
            let rooms = self.rooms.lock().expect("whole");
            drop(self.appended.wait_timeout(rooms, Duration::from_millis(20)));
            thread::yield_now();
        }
    }
}
