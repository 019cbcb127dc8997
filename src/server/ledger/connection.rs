//! One TCP connection, and on whose account its bytes are.
//!
//! A handler opens an [`Exchange`] on the connection; from then until its answer is flushed the
//! bytes are its own. Bytes that came in before (its head) are claimed when it opens; those of
//! requests that open none (the page, `/ledger`) are nobody's.

mod ending;

use std::{
    cell::{Cell, OnceCell, RefCell, RefMut},
    future::Future,
    pin::Pin,
    rc::Rc,
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Poll, Waker},
};

use actix_web::{HttpRequest, rt::net::TcpStream};
use jiff::Timestamp;

use super::{
    ClientLabel, Ledger,
    counts::{Account, Counts, Transport},
    exchange::Exchange,
    lines::RequestLine,
    trace::{Event, Kind, Trace},
};
use crate::{domain::room::Room, faults::abort::AbortHandle};

/// The status of a request whose client left before it was answered, as nginx writes it.
pub(super) const CLIENT_LEFT: u16 = 499;

/// Clients that are told when a connection they shared is over. A proxy's may serve many more.
const MAX_TRACES: usize = 8;

/// One TCP connection. Cloning shares it; it is over when the last clone is dropped.
#[derive(Clone)]
pub struct Connection(Rc<Shared>);

struct Shared {
    ledger: Arc<Ledger>,
    state: RefCell<State>,
    /// `None` once a handler has taken it over.
    socket: RefCell<Option<TcpStream>>,
    sequel: RefCell<Option<Sequel>>,
    /// What ends it from outside, once that is asked for.
    severing: OnceCell<Arc<AbortHandle>>,
    /// It is looked at soon whether it is to be cut.
    is_doomed: Cell<bool>,
}

/// What a connection does after HTTP is done with it.
pub type Sequel = Pin<Box<dyn Future<Output = ()>>>;

pub(super) struct State {
    /// Bytes that came in and are on nobody's account yet.
    unclaimed_in: u64,
    /// Whom the connection served last.
    claim: Option<Claim>,
    pub(super) exchange: Option<Open>,
    accepted_at: Timestamp,
    traced: Option<Box<Traced>>,
    /// Something was written.
    answered: bool,
    /// Woken when HTTP has nothing left to write.
    flushing: Option<Waker>,
}

/// On whose account something happens: the transport's, and the client's where it has a label.
#[derive(Clone)]
pub(super) struct Claim {
    pub(super) transport: Transport,
    label: Option<ClientLabel>,
    account: Option<Arc<Account>>,
}

impl Claim {
    fn each(&self, ledger: &Ledger, note: impl Fn(&Counts)) {
        note(ledger.totals.of(self.transport));
        if let Some(account) = &self.account {
            note(account.of(self.transport));
        }
    }

    pub(super) fn add(&self, ledger: &Ledger, counter: fn(&Counts) -> &AtomicU64, n: u64) {
        self.each(ledger, |counts| {
            counter(counts).fetch_add(n, Relaxed);
        });
    }
}

/// An exchange whose bytes are still coming.
pub(super) struct Open {
    /// The handler and the body are done; what is left is to flush.
    pub(super) answered: bool,
    /// What the log and the trace will say of it, if they are to.
    pub(super) line: Option<RequestLine>,
    pub(super) logged: bool,
    /// It is the trace's that its answer's end be told.
    pub(super) traced: bool,
}

/// What a client asks for with a request, as far as the ledger is concerned.
pub struct Opening<'a> {
    pub transport: Transport,
    /// `None` where it is not known yet, or was no room.
    pub room: Option<&'a Room>,
    pub client: Option<&'a ClientLabel>,
    /// Whether the client wants a trace of what the server sees of it.
    pub trace: bool,
}

/// A connection whose events are traced.
struct Traced {
    number: u64,
    /// Of the clients it served, the present one last. Weak: a trace that is kept no more takes no
    /// memory for the sake of a connection.
    traces: Vec<Weak<Trace>>,
}

impl Traced {
    fn record<'a>(&self, traces: impl IntoIterator<Item = &'a Weak<Trace>>, event: &Event) {
        for trace in traces.into_iter().filter_map(Weak::upgrade) {
            trace.record(Event {
                connection: self.number,
                ..event.clone()
            });
        }
    }
}

impl Connection {
    pub fn new(socket: TcpStream, ledger: Arc<Ledger>) -> Self {
        let state = State {
            unclaimed_in: 0,
            claim: None,
            exchange: None,
            accepted_at: Timestamp::now(),
            traced: None,
            answered: false,
            flushing: None,
        };
        Self(Rc::new(Shared {
            ledger,
            state: RefCell::new(state),
            socket: RefCell::new(Some(socket)),
            sequel: RefCell::new(None),
            severing: OnceCell::new(),
            is_doomed: Cell::new(false),
        }))
    }

    /// The connection of `request`.
    pub fn of(request: &HttpRequest) -> Option<&Self> {
        request.conn_data()
    }

    /// Does `act` with the socket, if HTTP still has it.
    pub fn with_socket<T>(&self, act: impl FnOnce(&mut TcpStream) -> T) -> Option<T> {
        self.0.socket.borrow_mut().as_mut().map(act)
    }

    /// Takes the socket away from HTTP, which is to answer with `Connection: close` and then finds
    /// itself done. What `sequel` makes of the socket goes on after that.
    pub fn take_over(&self, sequel: impl FnOnce(TcpStream) -> Sequel) {
        if let Some(socket) = self.0.socket.borrow_mut().take() {
            *self.0.sequel.borrow_mut() = Some(sequel(socket));
        }
    }

    /// Waits until HTTP has written its earlier answers: a client may have sent requests ahead.
    pub async fn flushed(&self) {
        let mut asked = false;
        std::future::poll_fn(|cx| {
            let mut state = self.0.state.borrow_mut();
            if asked && state.flushing.is_none() {
                return Poll::Ready(());
            }
            asked = true;
            state.flushing = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// What goes on after HTTP, if anything does.
    pub fn sequel(&self) -> Option<Sequel> {
        self.0.sequel.borrow_mut().take()
    }

    /// Opens an exchange: from here on the connection's bytes are on its account.
    pub fn open(&self, opening: &Opening<'_>) -> Exchange {
        let &Opening {
            transport,
            room,
            client,
            trace,
        } = opening;
        self.settle();
        let mut state = self.0.state.borrow_mut();
        let same = state
            .claim
            .as_ref()
            .is_some_and(|claim| claim.transport == transport && claim.label.as_ref() == client);
        let claim = match (&state.claim, same) {
            (Some(claim), true) => claim.clone(),
            _ => self.claim(&mut state, transport, client),
        };
        claim.add(&self.0.ledger, |counts| &counts.requests, 1);
        let logged = self.0.ledger.request_log;
        let traced = client.filter(|_| trace);
        let told = logged || traced.is_some();
        state.exchange = Some(Open {
            answered: false,
            line: told.then(|| RequestLine::new(transport, room, client)),
            logged,
            traced: traced.is_some(),
        });
        state.claim_bytes_in(&self.0.ledger);
        if let Some(client) = traced {
            state.trace_request(transport, client, &self.0.ledger);
        }
        Exchange::new(self.0.ledger.clone(), self.clone(), claim)
    }

    pub(super) fn state(&self) -> RefMut<'_, State> {
        self.0.state.borrow_mut()
    }

    fn claim(
        &self,
        state: &mut State,
        transport: Transport,
        client: Option<&ClientLabel>,
    ) -> Claim {
        let account = client.map(|label| self.0.ledger.client(label));
        let claim = Claim {
            transport,
            label: client.cloned(),
            account,
        };
        match state.claim.replace(claim.clone()) {
            Some(earlier) => earlier.each(&self.0.ledger, |counts| {
                counts.open.fetch_sub(1, Relaxed);
            }),
            None => claim.add(&self.0.ledger, |counts| &counts.connections, 1),
        }
        claim.add(&self.0.ledger, |counts| &counts.open, 1);
        claim
    }

    pub fn was_read(&self, bytes: usize) {
        if bytes > 0 {
            self.0.state.borrow_mut().unclaimed_in += bytes as u64;
        }
    }

    /// Whether a request is due or has begun to come, but is not whole yet.
    pub fn is_in_head(&self) -> bool {
        let state = self.0.state.borrow();
        // The first is due as soon as the connection is there.
        state.exchange.is_none() && (state.unclaimed_in > 0 || !state.answered)
    }

    pub fn was_written(&self, bytes: usize) {
        let mut state = self.0.state.borrow_mut();
        let state = &mut *state;
        match (&mut state.exchange, &state.claim) {
            (Some(open), Some(claim)) => {
                if let Some(line) = &mut open.line {
                    line.wire_bytes_out += bytes as u64;
                }
                claim.add(
                    &self.0.ledger,
                    |counts| &counts.wire_bytes_out,
                    bytes as u64,
                );
            }
            // An answer that is nobody's: so was its request.
            _ => state.unclaimed_in = 0,
        }
        state.answered = true;
    }

    /// All that HTTP had to write is written: ends the exchange if it is answered.
    pub fn settle(&self) {
        let mut state = self.0.state.borrow_mut();
        if let Some(waker) = state.flushing.take() {
            waker.wake();
        }
        if state.exchange.as_ref().is_some_and(|open| open.answered) {
            state.end(&self.0.ledger);
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let state = self.state.get_mut();
        state.end(&self.ledger);
        if let Some(claim) = state.claim.take() {
            state.trace_closed(claim.transport);
            claim.each(&self.ledger, |counts| {
                counts.open.fetch_sub(1, Relaxed);
            });
        }
    }
}

impl State {
    fn end(&mut self, ledger: &Ledger) {
        self.claim_bytes_in(ledger);
        let Some(open) = self.exchange.take() else {
            return;
        };
        let Some(line) = &open.line else {
            return;
        };
        if open.logged {
            ledger.lines.request(line);
        }
        // What nobody was sent a byte of was no answer.
        if open.traced && line.status != CLIENT_LEFT && line.wire_bytes_out > 0 {
            self.trace(Event {
                bytes_out: line.wire_bytes_out,
                messages: line.messages,
                status: Some(line.status),
                ..Event::new(0, Kind::Answer, line.transport)
            });
        }
    }

    /// Tells the trace of `client` that a request came on this connection.
    fn trace_request(&mut self, transport: Transport, client: &ClientLabel, ledger: &Ledger) {
        let trace = Arc::downgrade(&ledger.traces.of(client));
        let traced = self.traced.get_or_insert_with(|| {
            Box::new(Traced {
                number: ledger.next_connection(),
                traces: Vec::new(),
            })
        });
        let earlier = traced.traces.iter().position(|each| each.ptr_eq(&trace));
        match earlier {
            Some(at) => traced.traces[at..].rotate_left(1),
            None => {
                if traced.traces.len() == MAX_TRACES {
                    traced.traces.remove(0);
                }
                traced.traces.push(trace);
            }
        }
        if earlier.is_none() {
            self.trace(Event {
                at_us: self.accepted_at.as_microsecond(),
                ..Event::new(0, Kind::Opened, transport)
            });
        }
        let line = self.exchange.as_ref().and_then(|open| open.line.as_ref());
        self.trace(Event {
            bytes_in: line.map_or(0, |line| line.wire_bytes_in),
            ..Event::new(0, Kind::Request, transport)
        });
    }

    /// Adds an event to the trace, if there is one.
    pub(super) fn trace(&self, event: Event) {
        if let Some(traced) = &self.traced {
            traced.record(traced.traces.last(), &event);
        }
    }

    /// Tells all whom the connection served that it is over.
    fn trace_closed(&self, transport: Transport) {
        if let Some(traced) = &self.traced {
            traced.record(&traced.traces, &Event::new(0, Kind::Closed, transport));
        }
    }

    fn claim_bytes_in(&mut self, ledger: &Ledger) {
        if let (Some(open), Some(claim)) = (&mut self.exchange, &self.claim) {
            let bytes = std::mem::take(&mut self.unclaimed_in);
            if let Some(line) = &mut open.line {
                line.wire_bytes_in += bytes;
            }
            claim.add(ledger, |counts| &counts.wire_bytes_in, bytes);
        }
    }
}
