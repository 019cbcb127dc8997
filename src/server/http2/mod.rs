//! HTTP/2 on the `h2` crate: a small dispatcher that calls the same actix-web service as HTTP/1.1 does.
//!
//! actix-http has its own dispatcher. It keeps a stream's body after its client reset it, never cancels a handler,
//! sends no GOAWAY and limits neither streams nor header lists, so it cannot carry streams that stay open for hours
//! (docs/decisions/0014). This dispatcher has four parts:
//!
//! - [`dispatcher`] accepts streams, keeps the connection alive and drains it;
//! - [`exchange`] is one request and its answer, cancelled as soon as the client resets it;
//! - [`tap`] sits between TLS and `h2` and charges each byte to its stream, by [`frames`];
//! - [`limits`] and [`unread_answers`] bound what a client can make a connection hold.

pub mod dispatcher;
mod exchange;
pub mod frames;
mod head;
mod keep_alive;
pub mod limits;
mod pausable_waker;
pub mod tap;
#[cfg(test)]
mod tests;
mod unread_answers;
