//! True wire bytes: a socket that counts what crosses it, and says on whose account.
//!
//! [`Metered`] wraps a connection's socket below HTTP, so that heads, bodies, framing and
//! keep-alives are all counted, by the numbers the kernel itself returned. A handler opens an
//! [`Exchange`] on the connection; from then until its answer is flushed the bytes are its own.
//! Bytes that came in before (its head) are claimed when it opens; those of requests that open
//! none (the page, `/ledger`) are nobody's.

use std::{
    cell::RefCell,
    io::{self, IoSlice},
    pin::Pin,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Instant,
};

use actix_http::Extensions;
use actix_web::HttpRequest;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{
    ClientLabel, Ledger,
    counts::{Account, Counts, Transport},
    lines::{Phase, RequestLine},
};
use crate::message::Room;

/// A counting socket.
pub struct Metered<Io> {
    io: Io,
    connection: Connection,
}

impl<Io> Metered<Io> {
    pub fn new(io: Io, ledger: Arc<Ledger>) -> Self {
        let state = State {
            unclaimed_in: 0,
            claim: None,
            exchange: None,
        };
        Self {
            io,
            connection: Connection {
                ledger,
                state: Rc::new(RefCell::new(state)),
            },
        }
    }

    /// Lets handlers find the connection their request came over.
    pub fn announce(&self, data: &mut Extensions) {
        data.insert(self.connection.clone());
    }
}

impl<Io: AsyncRead + Unpin> AsyncRead for Metered<Io> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let result = Pin::new(&mut self.io).poll_read(cx, buf);
        let bytes = buf.filled().len() - before;
        if bytes > 0 {
            self.connection.state.borrow_mut().unclaimed_in += bytes as u64;
        }
        result
    }
}

impl<Io: AsyncWrite + Unpin> AsyncWrite for Metered<Io> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.io).poll_write(cx, buf);
        if let Poll::Ready(Ok(bytes)) = result {
            self.connection.wrote(bytes as u64);
        }
        result
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        if let Poll::Ready(Ok(bytes)) = result {
            self.connection.wrote(bytes as u64);
        }
        result
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The HTTP layer flushes when it has written all it had.
        self.connection.settle();
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

impl<Io> Drop for Metered<Io> {
    fn drop(&mut self) {
        self.connection.close();
    }
}

/// One TCP connection, as the ledger sees it.
#[derive(Clone)]
pub struct Connection {
    ledger: Arc<Ledger>,
    state: Rc<RefCell<State>>,
}

struct State {
    /// Bytes that came in and are on nobody's account yet.
    unclaimed_in: u64,
    /// Whom the connection served last.
    claim: Option<Claim>,
    exchange: Option<Open>,
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
    line: RequestLine,
    started: Instant,
}

impl Connection {
    /// The connection of `request`.
    pub fn of(request: &HttpRequest) -> Option<&Self> {
        request.conn_data::<Self>()
    }

    /// Opens an exchange: from here on the connection's bytes are on its account.
    pub fn open(
        &self,
        transport: Transport,
        client: Option<&ClientLabel>,
        line: RequestLine,
    ) -> Exchange {
        self.settle();
        let mut state = self.state.borrow_mut();
        let same = state
            .claim
            .as_ref()
            .is_some_and(|claim| claim.transport == transport && claim.label.as_ref() == client);
        let claim = match (&state.claim, same) {
            (Some(claim), true) => claim.clone(),
            _ => self.claim(&mut state, transport, client),
        };
        claim.add(&self.ledger, |counts| &counts.requests, 1);
        state.exchange = Some(Open {
            answered: false,
            line,
            started: Instant::now(),
        });
        state.claim_bytes_in(&self.ledger);
        Exchange {
            connection: self.clone(),
            claim,
            messages: 0,
        }
    }

    fn claim(
        &self,
        state: &mut State,
        transport: Transport,
        client: Option<&ClientLabel>,
    ) -> Claim {
        let account = client.map(|label| self.ledger.client(label));
        let claim = Claim {
            transport,
            label: client.cloned(),
            account,
        };
        match state.claim.replace(claim.clone()) {
            Some(earlier) => earlier.each(&self.ledger, |counts| {
                counts.open.fetch_sub(1, Relaxed);
            }),
            None => claim.add(&self.ledger, |counts| &counts.connections, 1),
        }
        claim.add(&self.ledger, |counts| &counts.open, 1);
        claim
    }

    fn wrote(&self, bytes: u64) {
        let mut state = self.state.borrow_mut();
        let state = &mut *state;
        match (&mut state.exchange, &state.claim) {
            (Some(open), Some(claim)) => {
                open.line.wire_bytes_out += bytes;
                claim.add(&self.ledger, |counts| &counts.wire_bytes_out, bytes);
            }
            // An answer that is nobody's: so was its request.
            _ => state.unclaimed_in = 0,
        }
    }

    /// Ends the exchange if it is answered; all it had to write is written.
    fn settle(&self) {
        let mut state = self.state.borrow_mut();
        if state.exchange.as_ref().is_some_and(|open| open.answered) {
            self.end(&mut state);
        }
    }

    fn close(&self) {
        let mut state = self.state.borrow_mut();
        self.end(&mut state);
        if let Some(claim) = state.claim.take() {
            claim.each(&self.ledger, |counts| {
                counts.open.fetch_sub(1, Relaxed);
            });
        }
    }

    fn end(&self, state: &mut State) {
        state.claim_bytes_in(&self.ledger);
        if let Some(open) = state.exchange.take()
            && self.ledger.request_log
        {
            self.ledger
                .lines
                .request(&open.line, open.started.elapsed());
        }
    }
}

impl State {
    fn claim_bytes_in(&mut self, ledger: &Ledger) {
        if let (Some(open), Some(claim)) = (&mut self.exchange, &self.claim) {
            let bytes = std::mem::take(&mut self.unclaimed_in);
            open.line.wire_bytes_in += bytes;
            claim.add(ledger, |counts| &counts.wire_bytes_in, bytes);
        }
    }
}

/// A request and its answer, on the account of a transport and a client. Belongs to the answer's
/// body: dropped when that is done.
pub struct Exchange {
    connection: Connection,
    claim: Claim,
    messages: u64,
}

impl Exchange {
    /// Notes the room, where it is only known from the body.
    pub fn room(&self, room: &Room) {
        if let Some(open) = &mut self.connection.state.borrow_mut().exchange {
            open.line.room = Some(room.clone());
        }
    }

    pub fn status(&self, status: u16) {
        if let Some(open) = &mut self.connection.state.borrow_mut().exchange {
            open.line.status = status;
        }
    }

    /// Notes messages given to the client; for publish, appended.
    pub fn messages(&mut self, messages: u64) {
        self.messages += messages;
        self.claim
            .add(&self.connection.ledger, |counts| &counts.messages, messages);
    }

    /// Notes how late messages are that are being given to the client: the oldest of `messages`
    /// was published at `sent_at_us`.
    pub fn delay(&self, sent_at_us: i64, messages: u64) {
        if let Some(delays) = self.connection.ledger.delays(self.claim.transport) {
            delays.note(sent_at_us, messages);
        }
    }

    /// Writes the request's line as it stands now, before the answer: an answer without end.
    pub fn announce(&self) {
        let ledger = &self.connection.ledger;
        if let Some(open) = &mut self.connection.state.borrow_mut().exchange
            && ledger.request_log
        {
            open.line.phase = Phase::Opened;
            ledger.lines.request(&open.line, open.started.elapsed());
            open.line.phase = Phase::Closed;
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if self.messages == 0 {
            self.claim
                .add(&self.connection.ledger, |counts| &counts.empty, 1);
        }
        if let Some(open) = &mut self.connection.state.borrow_mut().exchange {
            open.answered = true;
            open.line.messages = self.messages;
        }
    }
}
