//! HTTP/2 in front of the server: the configurations of `deploy/http2/`, each with the real program.

use std::{fs, net::SocketAddr, path::Path, process::Command};

use rcgen::{CertifiedKey, generate_simple_self_signed};

use crate::support::{
    client::TestClient as _,
    deployed::{deployed, nginx_arguments},
    front::{Front, find},
    nats::free_port,
    protocol_client::{ProtocolClient, ProtocolForm, read_until, run, whole},
    server::Server,
};

/// More than the six connections that a browser opens over HTTP/1.1.
const STREAMS: usize = 8;

/// Starts `program`, if it is installed, with `file` of `deploy/http2/`, in which this test's addresses and certificate
/// are inserted. `arguments` gets the path of that file.
fn start(
    program: &str,
    file: &str,
    listen: (&str, &str),
    server: SocketAddr,
    arguments: impl FnOnce(&Path) -> Vec<String>,
) -> Option<Front> {
    let Some(path) = find(program) else {
        eprintln!("not tested: {program} is not installed");
        return None;
    };
    let directory = tempfile::tempdir().expect("a directory");
    let at = |name: &str| directory.path().join(name).display().to_string();
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    let (cert, key) = (cert.pem(), signing_key.serialize_pem());
    fs::write(at("cert.pem"), &cert).expect("writes");
    fs::write(at("key.pem"), &key).expect("writes");
    fs::write(at("both.pem"), cert + &key).expect("writes");

    let addr = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let mut config = deployed(&format!("http2/{file}"));
    let (written, wanted) = listen;
    assert!(config.contains(written), "{written} is in {file}");
    config = config.replace(written, &wanted.replace("PORT", &addr.port().to_string()));
    for (written, here) in [
        ("10.0.0.11:8080", server.to_string()),
        (
            "address: 10.0.0.11, port_value: 8080",
            socket_address(server),
        ),
        ("/etc/ssl/chat-with-key.pem", at("both.pem")),
        ("/etc/ssl/chat-key.pem", at("key.pem")),
        ("/etc/ssl/chat.pem", at("cert.pem")),
    ] {
        config = config.replace(written, &here);
    }
    let file = directory.path().join(file);
    fs::write(&file, config).expect("writes");
    let mut command = Command::new(path);
    command
        .args(arguments(&file))
        .env("XDG_CONFIG_HOME", directory.path())
        .env("XDG_DATA_HOME", directory.path());
    Some(Front::start(command, addr, directory))
}

fn socket_address(addr: SocketAddr) -> String {
    format!("address: {}, port_value: {}", addr.ip(), addr.port())
}

/// Eight streams, a waiting long-poll and a publish share one connection. Each event must arrive at once, and the
/// server must notice clients that leave.
fn assert_serves_http2(front: fn(SocketAddr) -> Option<Front>) {
    let server = Server::memory();
    let addr = server.protocol_addr(ProtocolForm::Http1);
    let Some(front) = front(addr) else { return };
    run(async {
        let mut client = ProtocolClient::connect_to(front.addr, ProtocolForm::H2Tls).await;
        let mut bodies = Vec::new();
        for _ in 0..STREAMS {
            let response = client.send("GET", "/stream?last=0&client=page", "").await;
            assert_eq!(response.status(), 200);
            let mut body = response.into_body();
            // Arrives before anything is published, so the front holds nothing back.
            read_until(&mut body, "\n\n").await;
            bodies.push(body);
        }
        let head = client.get("/poll?last=0").await.1;
        let head: serde_json::Value = serde_json::from_str(&head).expect("JSON");
        let cursor = head["cursor"].as_str().expect("a cursor");
        let target = format!("/poll?wait=20&cursor={cursor}");
        let mut shared = client.share().expect("HTTP/2");
        let uri = format!("https://{}{target}", front.addr);
        let waiting = shared.send_request(
            hyper::Request::get(uri)
                .body(http_body_util::Full::default())
                .expect("a request"),
        );
        let waiting = tokio::task::spawn_local(waiting);
        assert_eq!(client.publish("to all").await.0, 201);
        for body in &mut bodies {
            assert!(read_until(body, "}\n\n").await.contains("to all"));
        }
        let polled = waiting.await.expect("no panic").expect("an answer");
        assert!(whole(polled).await.1.contains("to all"));
        assert_eq!(server.client_cost("page", "stream")["open"], STREAMS);
        // First half of the streams end while the connection stays open, then all.
        bodies.truncate(STREAMS / 2);
        while server.client_cost("page", "stream")["open"] != STREAMS / 2 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        drop((bodies, client, shared));
        while server.client_cost("page", "stream")["open"] != 0 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    });
}

pub fn nginx(server: SocketAddr) -> Option<Front> {
    let listen = ("listen 443", "listen 127.0.0.1:PORT");
    start("nginx", "nginx.conf", listen, server, |site| {
        nginx_arguments(site).into()
    })
}

pub fn haproxy(server: SocketAddr) -> Option<Front> {
    let listen = ("bind :443", "bind 127.0.0.1:PORT");
    start("haproxy", "haproxy.cfg", listen, server, |file| {
        vec!["-f".to_owned(), file.display().to_string()]
    })
}

pub fn caddy(server: SocketAddr) -> Option<Front> {
    let listen = ("https://chat.example:443", "https://127.0.0.1:PORT");
    start("caddy", "Caddyfile", listen, server, |file| {
        let file = file.display().to_string();
        ["run", "--config", &file, "--adapter", "caddyfile"]
            .map(str::to_owned)
            .into()
    })
}

pub fn envoy(server: SocketAddr) -> Option<Front> {
    let listen = (
        "address: 0.0.0.0, port_value: 443",
        "address: 127.0.0.1, port_value: PORT",
    );
    start("envoy", "envoy.yaml", listen, server, |file| {
        let file = file.display().to_string();
        ["-c", &file, "--concurrency", "1", "--disable-hot-restart"]
            .map(str::to_owned)
            .into()
    })
}

#[test]
fn browsers_speak_http_2_to_nginx() {
    assert_serves_http2(nginx);
}

#[test]
fn browsers_speak_http_2_to_haproxy() {
    assert_serves_http2(haproxy);
}

#[test]
fn browsers_speak_http_2_to_caddy() {
    assert_serves_http2(caddy);
}

#[test]
fn browsers_speak_http_2_to_envoy() {
    assert_serves_http2(envoy);
}
