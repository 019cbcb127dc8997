//! Limits that the system sets on the process: the server reports them at start, with their values.

use std::{
    os::unix::process::CommandExt as _,
    process::{Command, Stdio},
};

use crate::{
    cli::assert_refused,
    support::{
        client::TestClient as _,
        eventually,
        process::{Process, command, run_command},
    },
};

/// The server with this limit, as `ulimit` sets it.
fn limited_command(resource: libc::__rlimit_resource_t, limit: u64, args: &[&str]) -> Command {
    let mut command = command(args);
    limit_command(&mut command, resource, limit);
    command
}

fn limit_command(command: &mut Command, resource: libc::__rlimit_resource_t, limit: u64) {
    // SAFETY: `setrlimit` may be called between fork and exec, and the limit is a valid value.
    unsafe {
        command.pre_exec(move || {
            let limit = libc::rlimit {
                rlim_cur: limit,
                rlim_max: limit,
            };
            match libc::setrlimit(resource, &limit) {
                0 => Ok(()),
                _ => Err(std::io::Error::last_os_error()),
            }
        });
    }
}

const WORKERS: [&str; 4] = ["--store", "memory", "--workers", "2"];

#[test]
fn a_low_descriptor_limit_is_logged_at_start() {
    let server = Process::spawn(limited_command(libc::RLIMIT_NOFILE, 128, &WORKERS));
    assert_eq!(server.get("/healthz").status(), 200);
    eventually("the log has the limit", || {
        server.stdout.text().contains(" limited ")
    });
    let ended = server.stop();
    let line = ended.stdout.lines().find(|line| line.contains(" limited "));
    let line = line.expect("a line");
    assert!(line.contains("128 descriptors"), "{line}");
    assert!(line.contains("40 connections"), "{line}");
}

#[test]
fn connections_beyond_the_descriptors_are_refused_and_not_left_waiting() {
    let server = Process::spawn(limited_command(libc::RLIMIT_NOFILE, 128, &WORKERS));
    let mut served: Vec<_> = (0..40).map(|_| server.raw()).collect();
    for connection in &mut served {
        assert_eq!(connection.get("/poll?last=0").status(), 200);
    }
    for _ in 0..100 {
        let mut refused = server.raw();
        let answer = refused.get("/poll?last=0");
        answer.problem(503);
        assert_eq!(answer.header("connection"), Some("close"));
        assert!(answer.header("retry-after").is_some());
        refused.read_until_closed().expect("closes");
    }
    for connection in &mut served {
        assert_eq!(
            connection.get("/poll?last=0").status(),
            200,
            "existing connections still work"
        );
    }
    drop(served);
    eventually("there is room again", || {
        server.get("/healthz").status() == 200
    });
}

#[test]
fn too_few_descriptors_for_the_workers_are_refused_in_one_line() {
    for limit in [10, 20, 40] {
        let refused = run_command(limited_command(libc::RLIMIT_NOFILE, limit, &WORKERS));
        let figure = format!("may open {limit} ");
        assert_refused(&refused, &[&figure, "ulimit -n", "--workers"]);
    }
}

#[test]
fn a_limit_on_file_sizes_is_logged_at_start_if_the_store_is_a_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = format!("sqlite:{}", directory.path().join("chat.db").display());
    let limit = 1_000_000;
    let args = ["--store", store.as_str()];
    let server = Process::spawn(limited_command(libc::RLIMIT_FSIZE, limit, &args));
    server.publish_text("lobby", "hello");
    let said = server.stop().stdout;
    assert!(said.contains("files may grow to 1000000 bytes"), "{said}");
}

/// Runs as another user, because the limit on threads does not apply to root.
#[test]
fn too_few_threads_are_refused_in_one_line() {
    const NOBODY: u32 = 65_534;
    // SAFETY: it only reads who this is.
    if unsafe { libc::geteuid() } != 0 {
        eprintln!("skipped: running as another user needs root");
        return;
    }
    let binary = tempfile::tempdir().expect("a directory");
    let path = binary.path().join("poll-vs-sse");
    std::fs::copy(env!("CARGO_BIN_EXE_poll-vs-sse"), &path).expect("copied");
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(binary.path(), open).expect("set");
    for threads in [1, 3, 6] {
        let mut command = Command::new(&path);
        command.args(WORKERS).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        limit_command(&mut command, libc::RLIMIT_NPROC, threads);
        command.uid(NOBODY).gid(NOBODY);
        let refused = run_command(command);
        assert_refused(&refused, &["14 threads", "ulimit -u", "--workers"]);
    }
}
