//! The TLS certificate: which files are refused at start, and reloading on SIGHUP.

use std::{fs, net::TcpListener, path::PathBuf};

use rcgen::{CertificateParams, KeyPair};
use tempfile::TempDir;

use crate::{
    cli::assert_refused,
    support::{
        eventually,
        process::{Process, run},
    },
};

/// A certificate and its key, as files.
struct CertificateFiles {
    directory: TempDir,
}

impl CertificateFiles {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let pair = Self { directory };
        pair.renew();
        pair
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Replaces the files with a new certificate and key.
    fn renew(&self) {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(["localhost".to_owned()]).expect("parameters");
        let certificate = params.self_signed(&key).expect("a certificate");
        fs::write(self.path("cert.pem"), certificate.pem()).expect("written");
        fs::write(self.path("key.pem"), key.serialize_pem()).expect("written");
    }

    fn flags(&self) -> [String; 4] {
        let path = |name| self.path(name).to_str().expect("UTF-8").to_owned();
        [
            "--tls-cert".into(),
            path("cert.pem"),
            "--tls-key".into(),
            path("key.pem"),
        ]
    }
}

/// The fingerprints that the server has logged, newest last.
fn fingerprints(server: &Process) -> Vec<String> {
    let text = server.stdout.text();
    let lines = text.lines().filter(|line| {
        line.contains("certificate-reloaded") || line.contains("listening on https://")
    });
    let last_word = |line: &str| line.rsplit(' ').next().unwrap_or_default().to_owned();
    lines.map(last_word).collect()
}

#[test]
fn inconsistent_tls_flags_print_one_line_and_exit_with_2() {
    let pair = CertificateFiles::new();
    let [cert_flag, cert, key_flag, key] = pair.flags();
    let other = CertificateFiles::new();
    let [.., other_key] = other.flags();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().expect("an address").to_string();
    let missing = format!("{cert}.missing");
    let free = ["--bind", "127.0.0.1:0", "--store", "memory"];
    let cases: [(&[&str], &[&str]); 8] = [
        (
            &[&cert_flag, &cert, &key_flag, &other_key],
            &["does not belong", "cert.pem"],
        ),
        (
            &[&cert_flag, &missing, &key_flag, &key],
            &["cannot read", "cert.pem.missing"],
        ),
        (
            &[&cert_flag, &key, &key_flag, &key],
            &["no certificate", "key.pem"],
        ),
        (&[&cert_flag, &cert], &["--tls-key"]),
        (&[&key_flag, &key], &["--tls-cert"]),
        (&["--bind-tls", "127.0.0.1:0"], &["--tls-cert"]),
        (
            &["--tls", "self-signed", &cert_flag, &cert, &key_flag, &key],
            &["--tls self-signed"],
        ),
        (
            &["--tls", "self-signed", "--bind-tls", &taken],
            &["cannot listen", &taken],
        ),
    ];
    for (flags, words) in cases {
        assert_refused(&run(&[&free[..], flags].concat()), words);
    }
}

#[test]
fn sighup_loads_a_new_certificate_and_keeps_the_old_one_if_it_is_bad() {
    let pair = CertificateFiles::new();
    let flags = pair.flags();
    let mut all = vec!["--store", "memory", "--bind-tls", "127.0.0.1:0"];
    all.extend(flags.iter().map(String::as_str));
    let server = Process::start(&all);
    eventually("TLS is on", || fingerprints(&server).len() == 1);

    pair.renew();
    server.signal(libc::SIGHUP);
    eventually("the new one is taken", || fingerprints(&server).len() == 2);
    let seen = fingerprints(&server);
    assert_ne!(seen[0], seen[1]);

    fs::write(pair.path("key.pem"), "no key").expect("written");
    server.signal(libc::SIGHUP);
    eventually("the bad one is refused", || {
        server.stdout.text().contains("certificate-refused")
    });
    assert_eq!(fingerprints(&server).len(), 2);
    assert!(server.stop().status.success());
}
