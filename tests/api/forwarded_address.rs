//! Proxies and the client's address: every configuration in `deploy/` names it to the server, and passes on no claim of
//! the client that the server could take for the proxy's.

use std::{
    io::{Read as _, Write as _},
    net::{IpAddr, SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    thread,
};

use http_body_util::Full;
use parking_lot::Mutex;

use crate::{
    behind_proxy, http2_fronts, poll_cache,
    support::{
        TEST_TIMEOUT,
        client::TestClient as _,
        front::Front,
        protocol_client::{ProtocolClient, ProtocolForm, run},
        raw_connection::find,
    },
};

/// What the client claims.
const CLAIMED: &str = "203.0.113.66";
const CLAIMS: [(&str, &str); 2] = [
    ("X-Forwarded-For", CLAIMED),
    ("Forwarded", "for=203.0.113.66"),
];

/// Stands in for the server: remembers the heads of requests, and answers all of them with `200`.
struct Upstream {
    addr: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Upstream {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
        let upstream = Self {
            addr: listener.local_addr().expect("bound"),
            heads: Arc::default(),
        };
        let heads = upstream.heads.clone();
        thread::spawn(move || {
            for socket in listener.incoming() {
                let heads = heads.clone();
                thread::spawn(move || socket.ok().and_then(|socket| serve(socket, &heads)));
            }
        });
        upstream
    }

    /// The nearest hop in the request that a proxy passed on for `target`, which must have no other field with hops.
    fn nearest_hop(&self, target: &str) -> String {
        let heads = self.heads.lock();
        let of_target = |head: &&String| head.contains(&format!(" {target} "));
        let head = heads.iter().find(of_target).expect("the request");
        let values = |name: &str| -> Vec<String> {
            let lines = head.lines().filter_map(|line| line.split_once(':'));
            let named = lines.filter(|(it, _)| it.eq_ignore_ascii_case(name));
            named.map(|(_, value)| value.trim().to_owned()).collect()
        };
        let hops = values("X-Forwarded-For").join(", ");
        assert!(values("Forwarded").is_empty(), "{head}");
        let nearest = hops.rsplit(',').next().expect("a text");
        nearest.trim().to_owned()
    }
}

/// Reads one head, remembers it and answers. `None` if the proxy is gone.
fn serve(mut socket: TcpStream, heads: &Mutex<Vec<String>>) -> Option<()> {
    socket.set_read_timeout(Some(TEST_TIMEOUT)).ok()?;
    let mut bytes = Vec::new();
    while find(&bytes, b"\r\n\r\n").is_none() {
        let mut buffer = [0; 4096];
        let read = socket.read(&mut buffer).ok().filter(|&read| read > 0)?;
        bytes.extend_from_slice(&buffer[..read]);
    }
    heads
        .lock()
        .push(String::from_utf8_lossy(&bytes).into_owned());
    let ok = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    socket.write_all(ok).ok()
}

fn assert_named_over_http_1(start: impl FnOnce(SocketAddr) -> Vec<Front>) {
    let upstream = Upstream::start();
    let fronts = start(upstream.addr);
    let front = fronts.last().expect("a front");
    for target in ["/poll", "/presence"] {
        assert_eq!(front.get_with(target, &CLAIMS).status(), 200);
        assert_eq!(upstream.nearest_hop(target), "127.0.0.1");
    }
}

/// The nearest hop that a proxy names. `None` if it is not installed.
fn nearest_hop_over_http_2(start: fn(SocketAddr) -> Option<Front>) -> Option<String> {
    let upstream = Upstream::start();
    let front = start(upstream.addr)?;
    run(async {
        let client = ProtocolClient::connect_to(front.addr, ProtocolForm::H2Tls).await;
        let mut shared = client.share().expect("HTTP/2");
        let mut request = hyper::Request::get(format!("https://{}/poll", front.addr));
        for (name, value) in CLAIMS {
            request = request.header(name, value);
        }
        let request = request.body(Full::default()).expect("a request");
        let answer = shared.send_request(request).await.expect("an answer");
        assert_eq!(answer.status(), 200);
    });
    Some(upstream.nearest_hop("/poll"))
}

#[test]
fn nginx_and_haproxy_name_the_client() {
    for proxy in [behind_proxy::nginx, behind_proxy::haproxy] {
        assert_named_over_http_1(|server| vec![proxy(&[server], behind_proxy::OPERATORS)]);
    }
}

#[test]
fn caches_that_collapse_polls_name_the_client() {
    assert_named_over_http_1(poll_cache::nginx);
    assert_named_over_http_1(poll_cache::varnish);
    assert_named_over_http_1(|server| vec![poll_cache::caddy(server)]);
}

#[test]
fn proxies_that_speak_http_2_name_the_client() {
    for front in [
        http2_fronts::nginx,
        http2_fronts::haproxy,
        http2_fronts::caddy,
    ] {
        if let Some(nearest) = nearest_hop_over_http_2(front) {
            assert_eq!(nearest, "127.0.0.1");
        }
    }
    // In place of a loopback address, Envoy names an address of its machine.
    if let Some(nearest) = nearest_hop_over_http_2(http2_fronts::envoy) {
        assert!(nearest.parse::<IpAddr>().is_ok(), "{nearest}");
        assert_ne!(nearest, CLAIMED);
    }
}
