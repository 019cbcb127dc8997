//! `check` through nothing, through proxies each of which does one thing wrong, and through real ones.

use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use poll_vs_sse_instrument::check::{
    CheckReport,
    findings::{Finding, Name, Verdict},
};

use crate::support::{
    TEST_TIMEOUT,
    program::{Exit, Program, command},
    proxy::{Fault, Proxy},
};

const SILENCE: Duration = Duration::from_secs(3);
const AGE: Duration = Duration::from_secs(5);

fn check(url: &str, more: &[&str]) -> Exit {
    let patience = ["--patience", "9s"];
    let patience = if more.contains(&"--patience") {
        &[][..]
    } else {
        &patience
    };
    let args = [&["check", url], patience, more].concat();
    Program::start(command(&args)).wait()
}

/// What was found at `url`.
fn findings(url: &str, more: &[&str]) -> (Option<i32>, CheckReport) {
    let ended = check(url, &[&["--json"], more].concat());
    let report: Result<CheckReport, _> = serde_json::from_str(&ended.stdout);
    (ended.code, report.unwrap_or_else(|_| panic!("{ended:?}")))
}

fn of(report: &CheckReport, name: Name) -> &Finding {
    let mut all = report.findings.iter();
    all.find(|one| one.name == name)
        .unwrap_or_else(|| panic!("{report:?}"))
}

/// Checks through a proxy with `fault`, and that `name` and nothing else is bad.
fn bad_through(fault: Fault, name: Name) -> Finding {
    let (_server, addr) = Program::serve();
    let proxy = Proxy::start(addr, fault);
    let (code, report) = findings(&proxy.url(), &[]);
    assert_eq!(code, Some(1), "{report:?}");
    assert!(!report.works);
    let bad = report
        .findings
        .iter()
        .filter(|it| it.result == Verdict::Bad);
    let bad: Vec<Name> = bad.map(|it| it.name).collect();
    assert_eq!(bad, [name], "{report:?}");
    let found = of(&report, name).clone();
    assert!(found.advice.is_some(), "{found:?}");
    found
}

#[test]
fn nothing_is_wrong_without_a_proxy_or_through_one_that_passes_on() {
    let (_server, addr) = Program::serve();
    let proxy = Proxy::start(addr, Fault::None);
    for url in [format!("http://{addr}"), proxy.url()] {
        let (code, report) = findings(&url, &[]);
        assert_eq!(code, Some(0), "{report:?}");
        assert!(report.works && report.proxy.is_none());
        assert_eq!(report.findings.len(), 10);
        for one in &report.findings {
            assert_eq!(one.result, Verdict::Good, "{one:?}");
        }
        let endured = of(&report, Name::Age).value.expect("seconds");
        assert_eq!(endured, 9.0);
    }
}

#[test]
fn the_json_is_as_documented() {
    let (_server, addr) = Program::serve();
    let ended = check(&format!("http://{addr}"), &["--json"]);
    let mut schemas = boon::Schemas::new();
    let mut compiler = boon::Compiler::new();
    let schema = include_str!("../../docs/check.schema.json");
    let schema = serde_json::from_str(schema).expect("JSON");
    compiler
        .add_resource("schema.json", schema)
        .expect("a schema");
    let index = compiler
        .compile("schema.json", &mut schemas)
        .expect("a schema");
    let value = serde_json::from_str(&ended.stdout).expect("JSON");
    if let Err(error) = schemas.validate(&value, index) {
        panic!("{error}");
    }
}

#[test]
fn buffering_is_named_with_the_bytes_it_takes() {
    let (_server, addr) = Program::serve();
    let proxy = Proxy::start(addr, Fault::Buffer(8000));
    let (code, report) = findings(&proxy.url(), &[]);
    assert_eq!(code, Some(1), "{report:?}");
    let event = of(&report, Name::FirstEvent);
    assert_eq!(event.result, Verdict::Bad, "{event:?}");
    let bytes = event.value.expect("bytes");
    assert!((6000.0..14_000.0).contains(&bytes), "{event:?}");
    assert!(event.text.contains("held back until"), "{event:?}");
    assert!(
        event
            .advice
            .as_deref()
            .is_some_and(|it| it.contains("buffering"))
    );
}

#[test]
fn compression_is_named_and_does_not_hinder() {
    let (_server, addr) = Program::serve();
    let proxy = Proxy::start(addr, Fault::Compress);
    let (code, report) = findings(&proxy.url(), &[]);
    assert_eq!(code, Some(0), "{report:?}");
    let found = of(&report, Name::Compression);
    assert_eq!(found.result, Verdict::Warning);
    assert!(found.text.starts_with("gzip"), "{found:?}");
}

#[test]
fn silence_that_is_cut_is_named_with_its_length() {
    let found = bad_through(Fault::CutSilence(SILENCE), Name::Silence);
    let seconds = found.value.expect("seconds");
    assert!((2.5..4.5).contains(&seconds), "{found:?}");
}

#[test]
fn an_age_that_is_cut_is_named_and_not_taken_for_silence() {
    let found = bad_through(Fault::CutAge(AGE), Name::Age);
    let seconds = found.value.expect("seconds");
    assert!((4.5..7.0).contains(&seconds), "{found:?}");
}

#[test]
fn a_last_event_id_that_does_not_arrive_is_named() {
    let found = bad_through(Fault::DropLastEventId, Name::Resume);
    assert!(found.text.contains("lost"), "{found:?}");
}

#[test]
fn polls_from_a_cache_are_named_and_do_not_hinder_streams() {
    let (_server, addr) = Program::serve();
    let proxy = Proxy::start(addr, Fault::CachePolls);
    let (code, report) = findings(&proxy.url(), &[]);
    assert_eq!(code, Some(0), "{report:?}");
    let found = of(&report, Name::PollCache);
    assert_eq!(found.result, Verdict::Warning, "{found:?}");
    assert!(found.advice.is_some());
}

#[test]
fn nothing_is_published_if_it_is_only_to_read() {
    let (server, addr) = Program::serve();
    let url = format!("http://{addr}");
    let (code, report) = findings(&url, &["--read-only"]);
    assert_eq!(code, Some(0), "{report:?}");
    assert_eq!(of(&report, Name::Resume).result, Verdict::Unknown);
    assert!(!server.stdout.text().contains("POST /messages"));
    let proxy = Proxy::start(addr, Fault::Buffer(8000));
    let (code, _) = findings(&proxy.url(), &["--read-only"]);
    assert_eq!(code, Some(1), "the head is held back");
}

#[test]
fn what_cannot_be_asked_is_one_line_and_exit_code_2() {
    let closed = {
        let gone = TcpListener::bind("127.0.0.1:0").expect("a port");
        gone.local_addr().expect("an address")
    };
    let (_server, addr) = Program::serve();
    for (url, words) in [
        (format!("http://{closed}"), "cannot reach"),
        ("chat.example".to_owned(), "http:// or https://"),
        (format!("http://{addr}/nowhere"), "404"),
        (format!("https://{addr}"), "TLS"),
    ] {
        let ended = check(&url, &[]);
        assert_eq!(ended.code, Some(2), "{url}: {ended:?}");
        assert!(ended.stderr.contains(words), "{url}: {}", ended.stderr);
        assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    }
}

#[test]
fn lines_for_people_say_the_answer_first() {
    let (_server, addr) = Program::serve();
    let ended = check(&format!("http://{addr}"), &["--patience", "1s"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert!(lines[0].starts_with("SSE works at http://"), "{lines:?}");
    assert_eq!(lines.len(), 2 + 10, "one line each: {lines:?}");
}

/// A real proxy; stopped with this value.
struct Real {
    child: Child,
    addr: SocketAddr,
    _directory: tempfile::TempDir,
}

impl Real {
    /// Starts `program` with a configuration that listens on the port given to `configuration`.
    fn start(
        program: &str,
        args: &[&str],
        configuration: impl Fn(SocketAddr, &str) -> String,
    ) -> Self {
        let is_there = std::path::Path::new(program).exists();
        assert!(is_there, "install {program}, or run tests/run");
        let directory = tempfile::tempdir().expect("a directory");
        let addr = {
            let free = TcpListener::bind("127.0.0.1:0").expect("a port");
            free.local_addr().expect("an address")
        };
        let path = directory.path().display().to_string();
        let file = format!("{path}/proxy.conf");
        std::fs::write(&file, configuration(addr, &path)).expect("written");
        let args: Vec<String> = args
            .iter()
            .map(|arg| arg.replace("FILE", &file).replace("DIRECTORY", &path))
            .collect();
        let child = Command::new(program)
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts");
        let mut real = Self {
            child,
            addr,
            _directory: directory,
        };
        let begin = Instant::now();
        while TcpStream::connect(addr).is_err() {
            let ended = real.child.try_wait().expect("a status");
            assert!(
                ended.is_none() && begin.elapsed() < TEST_TIMEOUT,
                "{program} does not listen"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        real
    }

    /// nginx with these lines in its one location.
    fn nginx(server: SocketAddr, lines: &str) -> Self {
        let args = ["-p", "DIRECTORY", "-e", "error.log", "-c", "FILE"];
        Self::start("/usr/sbin/nginx", &args, |addr, path| {
            let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
            let temporary = temporary.map(|name| format!("{name}_temp_path {path}/{name};\n"));
            // With HTTP/1.1 it passes on each chunk at once, also if it buffers.
            let version = match lines.contains("proxy_http_version") {
                true => "",
                false => "proxy_http_version 1.1;",
            };
            format!(
                "user root;\ndaemon off;\nworker_processes 1;\npid {path}/pid;\n\
                 events {{ worker_connections 256; }}\nhttp {{\naccess_log off;\n{}\
                 server {{\nlisten {addr};\nlocation / {{\nproxy_pass http://{server};\n\
                 {version}\nproxy_set_header Connection \"\";\n{lines}\n}}\n}}\n}}\n",
                temporary.concat()
            )
        })
    }

    fn haproxy(server: SocketAddr, lines: &str) -> Self {
        let args = ["-db", "-f", "FILE"];
        Self::start("/usr/sbin/haproxy", &args, |addr, _| {
            format!(
                "defaults\nmode http\ntimeout connect 5s\ntimeout client 1h\ntimeout server 1h\n{lines}\n\
                 listen all\nbind {addr}\nserver only {server}\n"
            )
        })
    }

    fn url(&self) -> String {
        format!("http://{}", self.addr)
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        // A master passes a SIGTERM on to its workers, which a SIGKILL would leave behind.
        // SAFETY: `kill` takes plain integers; the child was not waited for, so the id is its own.
        unsafe { libc::kill(self.child.id() as i32, libc::SIGTERM) };
        let _ = self.child.wait();
    }
}

fn through_nginx(lines: &str) -> (Option<i32>, CheckReport) {
    let (_server, addr) = Program::serve();
    let nginx = Real::nginx(addr, lines);
    let (code, report) = findings(&nginx.url(), &[]);
    assert_eq!(report.proxy.as_deref(), Some("nginx"), "{report:?}");
    (code, report)
}

#[test]
fn a_real_nginx_that_lets_streams_through_is_good() {
    let (code, report) = through_nginx("");
    assert_eq!(code, Some(0), "{report:?}");
}

#[test]
fn a_real_nginx_that_buffers_is_told_the_line_to_change() {
    let (code, report) =
        through_nginx("proxy_http_version 1.0;\nproxy_ignore_headers X-Accel-Buffering;");
    assert_eq!(code, Some(1), "{report:?}");
    let found = of(&report, Name::FirstEvent);
    assert_eq!(found.result, Verdict::Bad, "{report:?}");
    let advice = found.advice.as_deref().unwrap_or_default();
    assert!(advice.contains("proxy_buffering off;"), "{advice}");
}

#[test]
fn a_real_nginx_that_cuts_silence_is_told_the_line_to_change() {
    let (code, report) = through_nginx("proxy_read_timeout 3s;");
    assert_eq!(code, Some(1), "{report:?}");
    let found = of(&report, Name::Silence);
    assert_eq!(found.result, Verdict::Bad, "{report:?}");
    let advice = found.advice.as_deref().unwrap_or_default();
    assert!(advice.contains("proxy_read_timeout"), "{advice}");
    let long_poll = of(&report, Name::LongPoll);
    assert_eq!(long_poll.result, Verdict::Warning, "{report:?}");
    assert!(long_poll.text.contains("504"), "{long_poll:?}");
}

#[test]
fn a_real_nginx_that_drops_last_event_id_is_told_the_line_to_change() {
    let (code, report) = through_nginx("proxy_set_header Last-Event-ID \"\";");
    assert_eq!(code, Some(1), "{report:?}");
    let advice = of(&report, Name::Resume).advice.as_deref();
    assert!(advice.is_some_and(|it| it.contains("proxy_set_header Last-Event-ID")));
}

#[test]
fn a_real_haproxy_is_recognized_and_told_the_line_to_change() {
    let (_server, addr) = Program::serve();
    let good = Real::haproxy(addr, "");
    let (code, report) = findings(&good.url(), &[]);
    assert_eq!(code, Some(0), "{report:?}");
    assert_eq!(report.proxy.as_deref(), Some("HAProxy"), "{report:?}");
    let bad = Real::haproxy(addr, "timeout server 3s");
    let (code, report) = findings(&bad.url(), &[]);
    assert_eq!(code, Some(1), "{report:?}");
    let found = of(&report, Name::Silence);
    assert_eq!(found.result, Verdict::Bad, "{report:?}");
    let advice = found.advice.as_deref().unwrap_or_default();
    assert!(advice.contains("timeout server"), "{advice}");
}
