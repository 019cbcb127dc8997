//! A real NATS server for tests on a free loopback port, with a separate stream for each test.

use std::{
    io::Read as _,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use poll_vs_sse_server::log::store::nats::Options;

pub const NATS_TIMEOUT: Duration = Duration::from_secs(10);

/// A new stream on a server that the whole test process shares.
pub fn shared() -> Options {
    static SHARED: OnceLock<String> = OnceLock::new();
    let servers = SHARED.get_or_init(|| {
        let port = free_port();
        start_until_this_process_ends(port);
        url(port)
    });
    Options {
        stream: new_stream(),
        ..Options::new(servers)
    }
}

pub fn new_stream() -> String {
    static STREAMS: AtomicU32 = AtomicU32::new(0);
    format!("chat-{}", STREAMS.fetch_add(1, Ordering::Relaxed))
}

pub fn url(port: u16) -> String {
    format!("nats://127.0.0.1:{port}")
}

pub fn command(port: u16, directory: &Path, args: &[String]) -> Command {
    let mut command = Command::new(binary());
    command
        .args(["--addr", "127.0.0.1", "--port", &port.to_string()])
        .arg("--store_dir")
        .arg(directory.join("store"))
        .args(args)
        .stdin(Stdio::null());
    command
}

pub fn binary() -> PathBuf {
    let debian = PathBuf::from("/usr/sbin/nats-server");
    match std::env::var_os("NATS_SERVER") {
        Some(path) => path.into(),
        None if debian.exists() => debian,
        None => "nats-server".into(),
    }
}

/// Starts a server that a shell kills when its standard input ends, so when this process ends.
fn start_until_this_process_ends(port: u16) {
    let directory = tempfile::tempdir().expect("a directory").keep();
    let server = command(port, &directory, &["--jetstream".to_owned()]);
    let script = r#"directory=$1; shift; "$@" </dev/null >/dev/null 2>&1 & read -r _; kill -9 $!; wait; rm -rf "$directory""#;
    let child = Command::new("sh")
        .args(["-c", script, "sh"])
        .arg(directory)
        .arg(server.get_program())
        .args(server.get_args())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    // Keeps its standard input open until this process ends.
    std::mem::forget(child);
    await_port(port);
}

fn await_port(port: u16) {
    let deadline = Instant::now() + NATS_TIMEOUT;
    while !is_listening(port) {
        assert!(Instant::now() < deadline, "NATS did not start");
        thread::sleep(Duration::from_millis(5));
    }
}

pub fn is_listening(port: u16) -> bool {
    let greeting = std::net::TcpStream::connect(("127.0.0.1", port)).and_then(|mut stream| {
        stream.set_read_timeout(Some(NATS_TIMEOUT))?;
        stream.read_exact(&mut [0; 4])
    });
    greeting.is_ok()
}

pub fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("an address").port()
}
