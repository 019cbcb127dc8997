//! NATS acknowledges messages but does not deliver them, as happens when its files are lost. A proxy simulates it: it
//! drops the deliveries of consumers.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread,
};

use poll_vs_sse_server::log::store::nats::Options;
use serde_json::json;

use crate::support::{
    client::{TestClient as _, texts},
    eventually,
    nats_nodes::NatsServer,
    server::Server,
};

/// Starts a proxy for NATS that drops deliveries while `withholds` is set. Returns its address.
fn network_to(nats: &NatsServer, withholds: &Arc<AtomicBool>) -> SocketAddr {
    let withholds = withholds.clone();
    nats.proxied(move |client, nats| {
        let mut up = (
            client.try_clone().expect("a handle"),
            nats.try_clone().expect("a handle"),
        );
        thread::spawn(move || io::copy(&mut up.0, &mut up.1));
        let withholds = withholds.clone();
        thread::spawn(move || pass_on(nats, client, &withholds));
    })
}

fn pass_on(nats: TcpStream, mut client: TcpStream, withholds: &AtomicBool) -> io::Result<()> {
    let mut nats = BufReader::new(nats);
    loop {
        let mut bytes = Vec::new();
        if nats.read_until(b'\n', &mut bytes)? == 0 {
            return Ok(());
        }
        let line = String::from_utf8_lossy(&bytes).into_owned();
        if line.starts_with("MSG ") || line.starts_with("HMSG ") {
            let size = line.split_whitespace().next_back().expect("a size");
            let size: u64 = size.parse().expect("a number");
            let end = 2;
            (&mut nats).take(size + end).read_to_end(&mut bytes)?;
        }
        // Only deliveries have an acknowledgement subject.
        if !(withholds.load(SeqCst) && line.contains(" $JS.ACK.")) {
            client.write_all(&bytes)?;
        }
    }
}

#[test]
fn a_store_that_does_not_deliver_acknowledged_messages_is_not_ready_until_it_does() {
    let nats = NatsServer::start();
    let withholds = Arc::new(AtomicBool::new(false));
    let url = format!("nats://{}", network_to(&nats, &withholds));
    let server = Server::on_nats(&Options::new(&url));
    let before = server.publish_text("lobby", "before");
    withholds.store(true, SeqCst);
    let withheld = json!({"author": "mina", "text": "withheld"});
    let problem = server.publish(&withheld).problem(503);
    let detail = problem["detail"].as_str().expect("a text");
    assert!(detail.contains("did not confirm"), "{detail}");
    server.get("/readyz").problem(503);
    let metrics = server.get("/metrics").text();
    assert!(metrics.contains("poll_vs_sse_store_up 0"), "{metrics}");
    assert_eq!(server.poll("last=1")["messages"], json!([before]));
    eventually("the log reports it", || {
        server.lines.text().contains("store-away")
    });
    withholds.store(false, SeqCst);
    eventually("the store is well again", || {
        server.get("/readyz").status() == 200
    });
    server.publish_text("lobby", "after");
    let expected = ["before", "withheld", "after"];
    assert_eq!(texts(&server.poll("last=9")), expected);
    let other = Server::on_nats(&nats.options());
    assert_eq!(texts(&other.poll("last=9")), expected);
}
