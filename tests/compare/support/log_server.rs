//! A message log of the tests' own, with faults and costs to order.

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

use super::http::{Request, Server, answer, events};

/// What its readers are given. Faults are those of rooms that a run reads; the rooms of the trial
/// before it are without.
#[derive(Clone)]
pub struct Behaviour {
    /// From how many messages there are, and which reader asks, to the messages it is given, by
    /// number. What was given once must stay.
    pub view: fn(reader: usize, messages: usize) -> Vec<usize>,
    /// How long after it was published message `number` can be read.
    pub hold: fn(number: usize) -> Duration,
    /// Called while a poll is answered.
    pub work: Arc<dyn Fn() + Send + Sync>,
    /// Called as a message is published.
    pub published: Arc<dyn Fn() + Send + Sync>,
    /// What becomes of poll number `count`, from 0, of a run.
    pub fate: fn(count: usize) -> PollOutcome,
}

/// What becomes of a poll.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum PollOutcome {
    Answered,
    /// And the connection is closed, without a word of it in the answer.
    AnsweredAndClosed,
    /// With something that is not JSON.
    Garbled,
    /// The connection is closed instead.
    Closed,
    /// Nothing ever comes.
    Ignored,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            view: |_, messages| (0..messages).collect(),
            hold: |_| Duration::ZERO,
            work: Arc::new(|| {}),
            published: Arc::new(|| {}),
            fate: |_| PollOutcome::Answered,
        }
    }
}

/// Its profile.
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

type Rooms = Mutex<HashMap<String, Vec<(Instant, String)>>>;

struct Log {
    rooms: Rooms,
    bell: Condvar,
    behaviour: Behaviour,
    polls: AtomicUsize,
}

pub fn start(behaviour: Behaviour) -> Server {
    let log = Log {
        rooms: Mutex::default(),
        bell: Condvar::new(),
        behaviour,
        polls: AtomicUsize::new(0),
    };
    Server::start(Arc::new(
        move |request: &Request, stream: &mut TcpStream| log.answer(request, stream),
    ))
}

/// `server`, to be measured.
pub fn target(server: &Server) -> Target {
    let profile = Profile::parse(PROFILE).expect("sound");
    Target::remote(&server.url(), profile, None).expect("a target")
}

impl Log {
    fn answer(&self, request: &Request, stream: &mut TcpStream) -> io::Result<()> {
        let mut parts = request.path.trim_start_matches('/').split('/');
        let (what, room) = (parts.next(), parts.next().unwrap_or_default());
        match what {
            Some("publish") => {
                self.publish(room, &request.body);
                answer(stream, "201 Created", "")
            }
            Some("poll") => {
                let after = request
                    .parameter("after")
                    .map_or(0, |after| after.parse().expect("a place"));
                let (texts, next) = self.read(room, request.connection, after);
                (self.behaviour.work)();
                let body = serde_json::json!({"messages": texts, "next": next}).to_string();
                match self.fate(room) {
                    PollOutcome::Answered => answer(stream, "200 OK", &body),
                    PollOutcome::AnsweredAndClosed => {
                        answer(stream, "200 OK", &body)?;
                        // At once, so that the next request cannot come first.
                        stream.shutdown(Shutdown::Both)?;
                        Err(io::ErrorKind::ConnectionAborted.into())
                    }
                    PollOutcome::Garbled => answer(stream, "200 OK", "not JSON"),
                    PollOutcome::Closed => Err(io::ErrorKind::ConnectionAborted.into()),
                    // Until the reader has gone.
                    PollOutcome::Ignored => stream.read(&mut [0]).map(drop),
                }
            }
            Some("stream") => {
                events(stream)?;
                self.stream(room, request.connection, stream)
            }
            _ => answer(stream, "404 Not Found", ""),
        }
    }

    fn fate(&self, room: &str) -> PollOutcome {
        match room.starts_with("compare") {
            true => (self.behaviour.fate)(self.polls.fetch_add(1, SeqCst)),
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
        self.bell.notify_all();
    }

    /// What `reader` is given after the first `after` messages it had, and how many it has then.
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
        let mut place = 0;
        loop {
            let (texts, next) = self.read(room, reader, place);
            place = next;
            for text in texts {
                write!(stream, "data: {text}\n\n")?;
            }
            // Also finds out that the reader has gone, and what has become visible meanwhile.
            stream.write_all(b":\n\n")?;
            let rooms = self.rooms.lock().expect("whole");
            drop(self.bell.wait_timeout(rooms, Duration::from_millis(20)));
            thread::yield_now();
        }
    }
}
