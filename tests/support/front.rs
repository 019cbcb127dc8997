//! A third-party program in front of a server, as a child process.

use std::{
    fs,
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use poll_vs_sse_instrument::ChildProcess;
use tempfile::TempDir;

const START_TIMEOUT: Duration = Duration::from_secs(20);

/// Killed on drop, with all its children.
pub struct Front {
    pub child: ChildProcess,
    pub addr: SocketAddr,
    /// Has its configuration and its output.
    directory: TempDir,
}

impl Drop for Front {
    fn drop(&mut self) {
        self.child.kill();
    }
}

impl Front {
    /// Runs `command`, whose files are in `directory`, and waits until it listens at `addr`.
    pub fn start(command: Command, addr: SocketAddr, directory: TempDir) -> Self {
        let shown = format!("{command:?}");
        let output = fs::File::create(output_path(&directory)).expect("a file");
        let child = ChildProcess::start_into(&shown, command, output);
        let mut front = Self {
            child: child.unwrap_or_else(|error| panic!("{error:#}")),
            addr,
            directory,
        };
        let deadline = Instant::now() + START_TIMEOUT;
        while TcpStream::connect(addr).is_err() {
            let ended = front.child.try_wait().expect("a status");
            assert!(
                ended.is_none() && Instant::now() < deadline,
                "{shown} did not start listening: {}",
                front.output()
            );
            thread::sleep(Duration::from_millis(5));
        }
        front
    }

    /// Its standard output and error.
    pub fn output(&self) -> String {
        let bytes = fs::read(output_path(&self.directory)).expect("the file");
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

fn output_path(directory: &TempDir) -> PathBuf {
    directory.path().join("output")
}

/// The path of the program, as installed by Debian or by `tests/run`.
pub fn find(program: &str) -> Option<PathBuf> {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-tools/bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut directories = vec![tools, "/usr/sbin".into()];
    directories.extend(std::env::split_paths(&path));
    let mut candidates = directories.iter().map(|directory| directory.join(program));
    candidates.find(|candidate| candidate.is_file())
}
