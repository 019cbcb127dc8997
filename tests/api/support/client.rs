//! Requests to any running server.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::{events::Events, raw_connection::RawConnection, response::Response};

pub const JSON: (&str, &str) = ("Content-Type", "application/json");

/// A server's address, with the usual requests.
pub trait TestClient {
    fn addr(&self) -> SocketAddr;

    /// A new connection.
    fn raw(&self) -> RawConnection {
        RawConnection::open(self.addr())
    }

    fn get(&self, target: &str) -> Response {
        self.raw().get(target)
    }

    fn get_with(&self, target: &str, headers: &[(&str, &str)]) -> Response {
        self.raw().ask("GET", target, headers, b"")
    }

    /// `POST /messages` with this body.
    fn post(&self, body: impl AsRef<[u8]>, headers: &[(&str, &str)]) -> Response {
        self.raw().ask("POST", "/messages", headers, body.as_ref())
    }

    fn publish(&self, draft: &Value) -> Response {
        self.post(draft.to_string(), &[JSON])
    }

    /// Publishes `text` to `room`; returns the message.
    fn publish_text(&self, room: &str, text: &str) -> Value {
        publish_text(&mut self.raw(), room, text)
    }

    /// Publishes `1` to `n` to `room`, over one connection.
    fn publish_many(&self, room: &str, n: usize) -> Vec<Value> {
        let mut connection = self.raw();
        (1..=n)
            .map(|i| publish_text(&mut connection, room, &i.to_string()))
            .collect()
    }

    /// Polls, and returns the body of the answer, which must be a success.
    fn poll(&self, query: &str) -> Value {
        self.get(&format!("/poll?{query}")).ok()
    }

    fn stream(&self, query: &str) -> Events {
        Events::open(self.raw(), &format!("/stream?{query}"), &[])
    }

    /// One transport's figures.
    fn cost(&self, transport: &str) -> Value {
        self.get("/ledger").ok()["transports"][transport].clone()
    }

    /// One transport's figures for one client.
    fn client_cost(&self, client: &str, transport: &str) -> Value {
        let ledger = self.get(&format!("/ledger?client={client}")).ok();
        ledger["transports"][transport].clone()
    }
}

/// An address alone, for use in another thread or before the server serves.
impl TestClient for SocketAddr {
    fn addr(&self) -> SocketAddr {
        *self
    }
}

pub fn publish_text(connection: &mut RawConnection, room: &str, text: &str) -> Value {
    let draft = json!({"room": room, "author": "mina", "text": text}).to_string();
    let response = connection.ask("POST", "/messages", &[JSON], draft.as_bytes());
    assert_eq!(response.status(), 201, "{}", response.text());
    response.json()
}

/// The texts of a poll's messages or of a list of them.
pub fn texts(messages: &Value) -> Vec<String> {
    let messages = messages.get("messages").unwrap_or(messages);
    let messages = messages.as_array().expect("messages");
    let texts = messages.iter().map(|message| message["text"].as_str());
    texts.map(|text| text.expect("a text").to_owned()).collect()
}

pub fn cursor(of: &Value) -> &str {
    of["cursor"].as_str().expect("a cursor")
}
