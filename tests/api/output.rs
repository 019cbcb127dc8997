//! Printed output: it is written, or the exit code and message report the failure.

use std::{
    fs::OpenOptions,
    io::{Read as _, Write as _},
    process::{Child, Command, ExitStatus, Stdio},
    time::Instant,
};

use crate::support::{
    TEST_TIMEOUT,
    client::TestClient as _,
    eventually,
    process::{Process, command},
    raw_connection::request,
};

const PRINTING: [&[&str]; 9] = [
    &["--help"],
    &["--version"],
    &["serve", "--help"],
    &["compare", "--help"],
    &["plan"],
    &["plan", "--json"],
    &["completions", "bash"],
    &["completions", "fish"],
    &["man"],
];

fn full_disk() -> Stdio {
    let full = OpenOptions::new().write(true).open("/dev/full");
    full.expect("/dev/full exists on Linux").into()
}

/// Waits for the process to end, and returns its standard error.
fn wait_for_exit(mut child: Child) -> (ExitStatus, String) {
    let deadline = Instant::now() + TEST_TIMEOUT;
    let mut status = None;
    eventually("it ends", || {
        status = child.try_wait().expect("a status");
        status.is_some() || Instant::now() > deadline
    });
    let mut said = String::new();
    if let Some(mut stderr) = child.stderr.take() {
        stderr.read_to_string(&mut said).expect("text");
    }
    (status.expect("it ended"), said)
}

#[test]
fn output_that_cannot_be_written_is_one_line_and_exit_2() {
    for args in PRINTING {
        let mut command = command(args);
        let (status, said) = wait_for_exit(command.stdout(full_disk()).spawn().expect("starts"));
        assert_eq!(status.code(), Some(2), "{args:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{args:?}: {said}");
        assert!(said.contains("No space left"), "{args:?}: {said}");
        // If standard error is full as well, the exit code is the same.
        let mut again = self::command(args);
        let child = again.stdout(full_disk()).stderr(full_disk()).spawn();
        let (status, _) = wait_for_exit(child.expect("starts"));
        assert_eq!(status.code(), Some(2), "{args:?}");
    }
    let mut refused = command(&["--frobnicate"]);
    let (status, _) = wait_for_exit(refused.stderr(full_disk()).spawn().expect("starts"));
    assert_eq!(status.code(), Some(2));
}

#[test]
fn a_closed_pipe_on_standard_output_is_not_an_error() {
    for args in PRINTING {
        let mut child = command(args).spawn().expect("starts");
        drop(child.stdout.take());
        let (status, said) = wait_for_exit(child);
        assert_eq!((status.code(), said.as_str()), (Some(0), ""), "{args:?}");
    }
}

/// Starts a server whose standard output this test does not read, so the test chooses its address.
fn start(configure: impl FnOnce(&mut Command)) -> (Child, std::net::SocketAddr) {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = free.local_addr().expect("an address");
    drop(free);
    let mut command = command(&["--store", "memory", "--bind", &addr.to_string()]);
    configure(&mut command);
    let child = command.spawn().expect("starts");
    eventually("it listens", || std::net::TcpStream::connect(addr).is_ok());
    (child, addr)
}

fn terminate(child: &Child) {
    // SAFETY: `kill` takes plain integers; the child was not waited for, so the id is its own.
    let result = unsafe { libc::kill(child.id() as i32, libc::SIGTERM) };
    assert_eq!(result, 0, "signalled");
}

#[test]
fn a_log_on_a_full_disk_is_reported_once_and_the_server_continues() {
    let (child, addr) = start(|command| {
        command.stdout(full_disk());
    });
    for _ in 0..3 {
        addr.publish_text("lobby", "hello");
    }
    terminate(&child);
    let (status, said) = wait_for_exit(child);
    assert_eq!(status.code(), Some(1), "{said}");
    assert_eq!(
        said.matches("the log cannot be written").count(),
        1,
        "{said}"
    );
    assert!(said.contains("No space left"), "{said}");
}

#[test]
fn a_log_whose_reader_has_gone_is_not_an_error() {
    let (mut child, addr) = start(|_| {});
    drop(child.stdout.take());
    for _ in 0..3 {
        addr.publish_text("lobby", "hello");
    }
    terminate(&child);
    let (status, said) = wait_for_exit(child);
    assert_eq!((status.code(), said.as_str()), (Some(0), ""));
}

#[test]
fn lost_log_lines_are_counted_when_writing_works_again() {
    // A disk cannot be made full and empty again without a separate file system, so this tests the log with a writer
    // that can fail.
    use poll_vs_sse_server::ledger::access_log::{EventLog, Format};
    #[derive(Clone, Default)]
    struct Flaky(std::sync::Arc<std::sync::Mutex<(bool, Vec<u8>)>>);
    impl std::io::Write for Flaky {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let mut state = self.0.lock().expect("whole");
            if state.0 {
                return Err(std::io::ErrorKind::StorageFull.into());
            }
            state.1.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let disk = Flaky::default();
    let (log, writer) = EventLog::to(disk.clone(), Format::Text).expect("a thread");
    let text = || String::from_utf8(disk.0.lock().expect("whole").1.clone()).expect("UTF-8");
    log.event("first", "");
    eventually("it is written", || text().contains("first"));
    disk.0.lock().expect("whole").0 = true;
    log.event("lost", "");
    log.event("lost", "");
    // Time for the log's thread to try to write the lines.
    std::thread::sleep(std::time::Duration::from_millis(200));
    disk.0.lock().expect("whole").0 = false;
    log.event("last", "");
    eventually("there is room again", || text().contains("last"));
    writer.finish().expect("written");
    let text = text();
    assert!(!text.contains(" lost"), "{text}");
    assert!(
        text.contains("(2 log lines could not be written here)"),
        "{text}"
    );
}

/// Standard output and standard error are full pipes that nothing reads.
#[test]
fn a_server_whose_output_hangs_ends_in_time() {
    let (out_reader, mut out) = std::io::pipe().expect("a pipe");
    let (err_reader, mut err) = std::io::pipe().expect("a pipe");
    for pipe in [&mut out, &mut err] {
        fill(pipe);
    }
    let (child, addr) = start(|command| {
        command.stdout(out).stderr(err);
    });
    let mut connection = addr.raw();
    for _ in 0..200 {
        connection.send(request("GET", "/poll?last=0", &[], b""));
        assert_eq!(connection.answer("GET").expect("an answer").status(), 200);
    }
    let began = Instant::now();
    terminate(&child);
    let (status, _) = wait_for_exit(child);
    assert!(began.elapsed().as_secs() < 2, "{:?}", began.elapsed());
    assert_eq!(status.code(), Some(0));
    drop((out_reader, err_reader));
}

/// Writes until a pipe takes no more.
fn fill(pipe: &mut std::io::PipeWriter) {
    use std::os::fd::AsRawFd as _;
    let set = |flags: libc::c_int| {
        // SAFETY: the pipe is open, and these flags are integers.
        let result = unsafe { libc::fcntl(pipe.as_raw_fd(), libc::F_SETFL, flags) };
        assert_eq!(result, 0, "set");
    };
    set(libc::O_NONBLOCK);
    while (&*pipe).write(&[b'x'; 4096]).is_ok() {}
    set(0);
}

/// The log begins with the address and the store.
#[test]
fn the_log_begins_with_addresses_and_store() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("chat.db");
    let mut command = command(&["--store", "sqlite:chat.db"]);
    command.current_dir(directory.path());
    let server = Process::spawn(command);
    let path = path.canonicalize().expect("it is there");
    let ended = server.stop();
    let mut lines = ended.stdout.lines();
    let first = lines.next().expect("a line");
    assert!(
        first.contains("started listening on http://127.0.0.1:"),
        "{first}"
    );
    let second = lines.next().expect("a line");
    let kept = format!("messages are kept in sqlite:{}", path.display());
    assert!(second.ends_with(&kept), "{second}");

    let secret = "nats://mina:geheim@127.0.0.1:1";
    let refused = crate::support::process::run(&["--store", secret]);
    assert!(!refused.stderr.contains("geheim"), "{}", refused.stderr);
}
