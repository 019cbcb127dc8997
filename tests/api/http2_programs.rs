//! Third-party programs against the server over HTTP/2 and TLS: curl, nghttp, h2load, and sslscan, which looks for weak
//! protocols and ciphers.

use std::process::Command;

use crate::support::{client::TestClient as _, protocol_client::ProtocolForm, server::Server};

/// The output of `program`, if it is installed.
fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = match Command::new(program).args(arguments).output() {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("not tested: {program} is not installed");
            return None;
        }
        Err(error) => panic!("{program}: {error}"),
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{program}: {text}");
    Some(text)
}

fn url(server: &Server, form: ProtocolForm, target: &str) -> String {
    let scheme = if form.is_tls() { "https" } else { "http" };
    format!("{scheme}://{}{target}", server.protocol_addr(form))
}

#[test]
fn curl_polls_over_every_form() {
    let server = Server::on_every_form();
    for (form, flag, version) in [
        (ProtocolForm::Http1, "--http1.1", "1.1"),
        (ProtocolForm::Http1Tls, "--http1.1", "1.1"),
        (ProtocolForm::H2, "--http2-prior-knowledge", "2"),
        (ProtocolForm::H2Tls, "--http2", "2"),
    ] {
        let url = url(&server, form, "/poll");
        let write = "\n%{http_version} %{http_code}";
        let Some(said) = output("curl", &["-sk", flag, "-w", write, &url]) else {
            return;
        };
        let (body, end) = said.rsplit_once('\n').expect("two lines");
        assert_eq!(end, format!("{version} 200"), "{form:?}");
        assert!(body.starts_with(r#"{"messages":[]"#), "{form:?}: {body}");
    }
}

#[test]
fn nghttp_reads_an_answer() {
    let server = Server::on_every_form();
    let url = url(&server, ProtocolForm::H2Tls, "/poll");
    if let Some(said) = output("nghttp", &["-nv", "--no-verify-peer", &url]) {
        assert!(said.contains("The negotiated protocol: h2"), "{said}");
        assert!(said.contains(":status: 200"), "{said}");
        assert!(!said.contains("RST_STREAM"), "{said}");
    }
}

#[test]
fn h2load_gets_every_answer() {
    let server = Server::on_every_form();
    for form in ProtocolForm::HTTP_2 {
        let url = url(&server, form, "/poll");
        let Some(said) = output("h2load", &["-n", "2000", "-c", "4", "-m", "50", &url]) else {
            return;
        };
        assert!(
            said.contains("2000 succeeded, 0 failed, 0 errored"),
            "{said}"
        );
        assert!(said.contains("status codes: 2000 2xx"), "{said}");
        let counted = &server.cost("poll")["protocols"][form.key()]["requests"];
        assert_eq!(*counted, 2000, "{form:?}");
    }
}

#[test]
fn sslscan_finds_nothing_weak() {
    let server = Server::on_every_form();
    let addr = server.protocol_addr(ProtocolForm::H2Tls).to_string();
    let Some(said) = output("sslscan", &["--no-colour", &addr]) else {
        return;
    };
    for old in ["SSLv2", "SSLv3", "TLSv1.0", "TLSv1.1"] {
        let line = said.lines().find(|line| line.starts_with(old));
        assert!(
            line.is_some_and(|line| line.ends_with("disabled")),
            "{old}: {said}"
        );
    }
    for modern in ["TLSv1.2", "TLSv1.3"] {
        let line = said.lines().find(|line| line.starts_with(modern));
        assert!(
            line.is_some_and(|line| line.ends_with("enabled")),
            "{modern}: {said}"
        );
    }
    let ciphers = said
        .lines()
        .filter(|line| line.starts_with("Accepted") || line.starts_with("Preferred"));
    let ciphers: Vec<_> = ciphers.collect();
    assert!(!ciphers.is_empty(), "{said}");
    for cipher in ciphers {
        let is_aead = cipher.contains("GCM") || cipher.contains("CHACHA20");
        assert!(is_aead, "an AEAD cipher: {cipher}");
        assert!(cipher.contains("DHE"), "forward secrecy: {cipher}");
    }
    assert!(
        said.contains("Session renegotiation not supported"),
        "{said}"
    );
}
