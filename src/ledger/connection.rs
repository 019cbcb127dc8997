//! One TCP connection, and on whose account its bytes are.
//!
//! A handler opens an [`Exchange`] on the connection; from then until its answer is flushed the
//! bytes are its own. Bytes that came in before (its head) are claimed when it opens; those of
//! requests that open none (the page, `/ledger`) are nobody's.

use std::{
    cell::{Cell, RefCell},
    future::Future,
    pin::Pin,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Poll, Waker},
};

use actix_web::{HttpRequest, rt::net::TcpStream};

use super::{
    ClientLabel, Ledger,
    counts::{Account, Counts, Transport},
    lines::{Phase, RequestLine},
};
use crate::message::Room;

/// One TCP connection. Cloning shares it; it is over when the last clone is dropped.
#[derive(Clone)]
pub struct Connection(Rc<Shared>);

struct Shared {
    ledger: Arc<Ledger>,
    state: RefCell<State>,
    /// `None` once a handler has taken it over.
    socket: RefCell<Option<TcpStream>>,
    sequel: RefCell<Option<Sequel>>,
}

/// What a connection does after HTTP is done with it.
pub type Sequel = Pin<Box<dyn Future<Output = ()>>>;

struct State {
    /// Bytes that came in and are on nobody's account yet.
    unclaimed_in: u64,
    /// Whom the connection served last.
    claim: Option<Claim>,
    exchange: Option<Open>,
    /// Something was written.
    answered: bool,
    /// Woken when HTTP has nothing left to write.
    flushing: Option<Waker>,
}

/// On whose account something happens: the transport's, and the client's where it has a label.
#[derive(Clone)]
struct Claim {
    transport: Transport,
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

    fn add(&self, ledger: &Ledger, counter: fn(&Counts) -> &AtomicU64, n: u64) {
        self.each(ledger, |counts| {
            counter(counts).fetch_add(n, Relaxed);
        });
    }
}

/// An exchange whose bytes are still coming.
struct Open {
    /// The handler and the body are done; what is left is to flush.
    answered: bool,
    /// What the log will say of it, if it is to.
    line: Option<RequestLine>,
}

impl Connection {
    pub fn new(socket: TcpStream, ledger: Arc<Ledger>) -> Self {
        let state = State {
            unclaimed_in: 0,
            claim: None,
            exchange: None,
            answered: false,
            flushing: None,
        };
        Self(Rc::new(Shared {
            ledger,
            state: RefCell::new(state),
            socket: RefCell::new(Some(socket)),
            sequel: RefCell::new(None),
        }))
    }

    /// The connection of `request`.
    pub fn of(request: &HttpRequest) -> Option<&Self> {
        request.conn_data()
    }

    /// The connection of a request that was not routed yet.
    pub fn of_bare(request: &actix_http::Request) -> Option<&Self> {
        request.conn_data()
    }

    /// Does `act` with the socket, if HTTP still has it.
    pub(super) fn with_socket<T>(&self, act: impl FnOnce(&mut TcpStream) -> T) -> Option<T> {
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
    pub fn open(
        &self,
        transport: Transport,
        room: Option<&Room>,
        client: Option<&ClientLabel>,
    ) -> Exchange {
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
        let line = logged.then(|| RequestLine::new(transport, room, client));
        state.exchange = Some(Open {
            answered: false,
            line,
        });
        state.claim_bytes_in(&self.0.ledger);
        Exchange {
            ledger: self.0.ledger.clone(),
            connection: self.clone(),
            claim,
            messages: 0,
            wire_bytes_out: 0,
            answered: Cell::new(false),
        }
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
    pub(super) fn is_in_head(&self) -> bool {
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
    pub(super) fn settle(&self) {
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
            claim.each(&self.ledger, |counts| {
                counts.open.fetch_sub(1, Relaxed);
            });
        }
    }
}

impl State {
    fn end(&mut self, ledger: &Ledger) {
        self.claim_bytes_in(ledger);
        if let Some(Open {
            line: Some(line), ..
        }) = self.exchange.take()
        {
            ledger.lines.request(&line);
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

/// A request and its answer, on the account of a transport and a client. Belongs to the answer's
/// body: dropped when that is done.
pub struct Exchange {
    /// The connection's; here too, so that a delivery need not go there.
    ledger: Arc<Ledger>,
    connection: Connection,
    claim: Claim,
    messages: u64,
    /// What was written past HTTP.
    wire_bytes_out: u64,
    /// It has a status; the client did not leave before.
    answered: Cell<bool>,
}

impl Exchange {
    /// Notes the room, where it is only known from the body.
    pub fn room(&self, room: &Room) {
        self.with_line(|line| line.room = Some(room.clone()));
    }

    pub fn status(&self, status: u16) {
        self.answered.set(true);
        self.with_line(|line| line.status = status);
    }

    fn with_line(&self, change: impl FnOnce(&mut RequestLine)) {
        if let Some(Open {
            line: Some(line), ..
        }) = &mut self.connection.0.state.borrow_mut().exchange
        {
            change(line);
        }
    }

    /// Notes bytes that were written to a socket taken over.
    pub fn wrote(&mut self, bytes: usize) {
        let bytes = bytes as u64;
        self.wire_bytes_out += bytes;
        self.claim
            .add(&self.ledger, |counts| &counts.wire_bytes_out, bytes);
    }

    /// Notes messages given to the client; for publish, appended.
    pub fn messages(&mut self, messages: u64) {
        self.messages += messages;
        self.claim
            .add(&self.ledger, |counts| &counts.messages, messages);
    }

    /// Notes how late messages are that are being given to the client: the oldest of `messages`
    /// was published at `sent_at_us`.
    pub fn delay(&self, sent_at_us: i64, messages: u64) {
        if let Some(delays) = self.ledger.delays(self.claim.transport) {
            delays.note(sent_at_us, messages);
        }
    }

    /// Writes the request's line as it stands now, before the answer: an answer without end.
    pub fn announce(&self) {
        self.with_line(|line| {
            line.phase = Phase::Opened;
            self.ledger.lines.request(line);
            line.phase = Phase::Closed;
        });
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if self.answered.get() && self.messages == 0 {
            self.claim.add(&self.ledger, |counts| &counts.empty, 1);
        }
        if let Some(open) = &mut self.connection.0.state.borrow_mut().exchange {
            open.answered = true;
            if let Some(line) = &mut open.line {
                line.messages = self.messages;
                line.wire_bytes_out += self.wire_bytes_out;
            }
        }
    }
}
