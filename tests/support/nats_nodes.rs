//! Real NATS servers that a test can stop, freeze, wipe and restart.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use async_nats::jetstream::stream::Config;
use poll_vs_sse_server::log::store::nats::Options;
use tempfile::TempDir;

use super::nats::{NATS_TIMEOUT, command, free_port, is_listening, url};

/// A NATS server that a test can stop, freeze and restart. Killed on drop.
pub struct NatsServer {
    port: u16,
    args: Vec<String>,
    child: Option<Child>,
    directory: TempDir,
}

impl NatsServer {
    pub fn start() -> Self {
        Self::start_with_args(&[])
    }

    /// With further arguments, such as `--auth` and a token.
    pub fn start_with_args(args: &[&str]) -> Self {
        let args = args.iter().map(|&arg| arg.to_owned()).collect();
        Self::start_on_port(free_port(), args, true)
    }

    /// Listens at the returned address. Calls `join` for each connection with that connection and a new one to NATS;
    /// `join` must forward the bytes between the two.
    pub fn proxied(&self, join: impl Fn(TcpStream, TcpStream) + Send + 'static) -> SocketAddr {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("listens");
        let addr = listener.local_addr().expect("an address");
        let port = self.port();
        thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.expect("a connection");
                if let Ok(nats) = TcpStream::connect(("127.0.0.1", port)) {
                    join(client, nats);
                }
            }
        });
        addr
    }

    /// Without JetStream.
    pub fn without_jetstream() -> Self {
        Self::start_on_port(free_port(), Vec::new(), false)
    }

    /// With a configuration file.
    pub fn with_config(config: &str) -> Self {
        let mut nats = Self::new(free_port(), Vec::new());
        let path = nats.directory.path().join("nats.conf");
        fs::write(&path, config).expect("writes");
        nats.args = vec!["-c".into(), path.display().to_string()];
        nats.start_on_free_port()
    }

    fn new(port: u16, args: Vec<String>) -> Self {
        Self {
            port,
            args,
            child: None,
            directory: tempfile::tempdir().expect("a directory"),
        }
    }

    fn start_on_port(port: u16, mut args: Vec<String>, jetstream: bool) -> Self {
        if jetstream {
            args.push("--jetstream".into());
        }
        Self::new(port, args).start_on_free_port()
    }

    /// Starts it for the first time. Tries another port if the free one was taken in the meantime.
    fn start_on_free_port(mut self) -> Self {
        let deadline = Instant::now() + NATS_TIMEOUT;
        while !self.try_start() {
            assert!(Instant::now() < deadline, "NATS did not start");
            self.port = free_port();
        }
        self
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self) -> String {
        url(self.port)
    }

    pub fn options(&self) -> Options {
        Options::new(&self.url())
    }

    /// Starts or restarts it with its stored data. Retries, because another program's connection may use its port for a
    /// moment.
    pub fn resume(&mut self) {
        let deadline = Instant::now() + NATS_TIMEOUT;
        while !self.try_start() {
            assert!(Instant::now() < deadline, "NATS did not start");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Starts it. Returns whether it serves instead of ending at once.
    fn try_start(&mut self) -> bool {
        let child = command(self.port, self.directory.path(), &self.args)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("nats-server starts (Debian's package of that name)");
        let child = self.child.insert(child);
        let deadline = Instant::now() + NATS_TIMEOUT;
        while Instant::now() < deadline {
            if child.try_wait().expect("a status").is_some() {
                self.child = None;
                return false;
            }
            if is_listening(self.port) {
                return true;
            }
            thread::sleep(Duration::from_millis(5));
        }
        false
    }

    /// Pauses it (SIGSTOP), and waits until it is paused.
    pub fn freeze(&self) {
        self.signal(libc::SIGSTOP);
        let mut status = 0;
        // SAFETY: the child is this process's, and `status` outlives the call.
        let stopped = unsafe { libc::waitpid(self.pid(), &raw mut status, libc::WUNTRACED) };
        assert_eq!(stopped, self.pid(), "frozen");
        assert!(libc::WIFSTOPPED(status), "frozen");
    }

    /// Continues it (SIGCONT).
    pub fn thaw(&self) {
        self.signal(libc::SIGCONT);
    }

    fn pid(&self) -> i32 {
        self.child.as_ref().expect("it runs").id() as i32
    }

    fn signal(&self, signal: i32) {
        // SAFETY: `kill` takes plain integers; the child was not waited for, so the id is its own.
        let result = unsafe { libc::kill(self.pid(), signal) };
        assert_eq!(result, 0, "signalled");
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Publishes an empty message on `subject`, such as a request of JetStream's API, and waits until NATS has
    /// processed it.
    pub fn publish(&self, subject: &str) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("connects");
        stream.set_read_timeout(Some(NATS_TIMEOUT)).expect("sets");
        let lines = format!("CONNECT {{}}\r\nPUB {subject} 0\r\n\r\nPING\r\n");
        stream.write_all(lines.as_bytes()).expect("writes");
        let mut answer = Vec::new();
        while !answer.ends_with(b"PONG\r\n") {
            let mut bytes = [0; 1024];
            let n = stream.read(&mut bytes).expect("answers");
            assert_ne!(n, 0, "NATS ended the connection");
            answer.extend_from_slice(&bytes[..n]);
        }
    }

    /// Changes a stream's settings, as an operator would.
    pub fn edit_stream(&self, name: &str, edit: impl FnOnce(&mut Config)) {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let client = async_nats::connect(self.url()).await.expect("connects");
            let jetstream = async_nats::jetstream::new(client);
            let stream = jetstream.get_stream(name).await.expect("the stream");
            let mut config = stream.cached_info().config.clone();
            edit(&mut config);
            jetstream.update_stream(&config).await.expect("changes");
        });
    }

    /// Kills it, and deletes its stored data.
    pub fn wipe(&mut self) {
        self.kill();
        for entry in fs::read_dir(self.directory.path()).expect("reads") {
            let path = entry.expect("reads").path();
            if path.is_dir() {
                fs::remove_dir_all(path).expect("deletes");
            }
        }
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A cluster of three servers, which can keep three replicas of a stream.
pub fn cluster() -> [NatsServer; 3] {
    let routes = [(); 3].map(|()| free_port());
    let all: Vec<String> = routes.iter().map(|&port| url(port)).collect();
    let mut n = 0;
    let mut nodes = routes.map(|route| {
        n += 1;
        let args = [
            ("--cluster_name", "test".to_owned()),
            ("--server_name", format!("n{n}")),
            ("--cluster", url(route)),
            ("--routes", all.join(",")),
        ];
        let mut args: Vec<String> = args
            .into_iter()
            .flat_map(|(flag, value)| [flag.to_owned(), value])
            .collect();
        args.push("--jetstream".into());
        NatsServer::new(free_port(), args)
    });
    for node in &mut nodes {
        node.resume();
    }
    nodes
}
