//! A network that holds bytes back and delivers them much later.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread,
};

use poll_vs_sse_server::log::store::nats::Options;
use serde_json::{Value, json};

use crate::support::{
    client::{TestClient as _, texts},
    eventually,
    nats_nodes::NatsServer,
    server::Server,
};

/// Bytes that are held back, and the socket to write them to.
type HeldWrite = (TcpStream, Vec<u8>);

/// Forwards bytes; while holding, it keeps those to NATS back.
#[derive(Clone, Default)]
struct HoldingNetwork {
    holds: Arc<AtomicBool>,
    held: Arc<Mutex<Vec<HeldWrite>>>,
}

impl HoldingNetwork {
    fn join(&self, client: TcpStream, nats: TcpStream) {
        let mut down = (
            nats.try_clone().expect("a handle"),
            client.try_clone().expect("a handle"),
        );
        thread::spawn(move || std::io::copy(&mut down.0, &mut down.1));
        let (network, mut client, mut nats) = (self.clone(), client, nats);
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(n @ 1..) = client.read(&mut bytes) {
                let mut held = network.held.lock().expect("whole");
                if network.holds.load(SeqCst) {
                    let to = nats.try_clone().expect("a handle");
                    held.push((to, bytes[..n].to_vec()));
                } else if nats.write_all(&bytes[..n]).is_err() {
                    break;
                }
            }
        });
    }

    fn hold(&self) {
        self.holds.store(true, SeqCst);
    }

    /// Delivers the bytes that were held back, also those of connections that have ended since.
    fn deliver(&self) {
        let mut held = self.held.lock().expect("whole");
        for (mut to, bytes) in held.drain(..) {
            let _ = to.write_all(&bytes);
        }
        self.holds.store(false, SeqCst);
    }
}

#[test]
fn a_message_that_arrives_long_after_it_was_reported_as_failed_is_ignored() {
    let nats = NatsServer::start();
    let network = HoldingNetwork::default();
    let joins = network.clone();
    let addr = nats.proxied(move |client, nats| joins.join(client, nats));
    let url = format!("nats://{addr}");
    let server = Server::on_nats(&Options::new(&url));
    let direct = Server::on_nats(&nats.options());
    let before = server.publish_text("lobby", "before");
    network.hold();
    let late = json!({"author": "mina", "text": "late"});
    server.publish(&late).problem(503);
    network.deliver();
    let mut after = Value::Null;
    eventually("messages pass again", || {
        let answer = server.publish(&json!({"author": "mina", "text": "after"}));
        after = answer.json();
        answer.status() == 201
    });
    let ids = [&before, &after].map(|message| message["id"].as_u64().expect("an id"));
    assert!(
        ids[1] > ids[0] + 1,
        "the late message is in the stream: {ids:?}"
    );
    for server in [&server, &direct, &Server::on_nats(&nats.options())] {
        eventually("the server is there", || {
            server.poll("last=1")["messages"] == json!([after])
        });
        assert_eq!(texts(&server.poll("last=9")), ["before", "after"]);
        assert_eq!(texts(&server.poll("last=2")), ["before", "after"]);
    }
}
