//! `--poll-cache`: which answers a shared cache may keep, and real caches in front of the server.

use std::{
    collections::BTreeSet,
    fs,
    net::SocketAddr,
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};

use crate::cli::assert_refused;
use crate::support::{
    client::{TestClient, cursor, texts},
    deployed::{deployed, nginx_arguments},
    each_store, eventually,
    front::{Front, find},
    nats::free_port,
    process::run,
    raw_connection::RawConnection,
    server::{Server, StoreKind},
};

/// The server's address in the files of `deploy/poll-cache/`.
const FILE_ADDRESS: (&str, &str) = ("10.0.0.11", "8080");
const READERS: usize = 1000;

fn caching_server() -> Server {
    Server::with(StoreKind::Memory, |config| {
        config.poll_cache = Some(Duration::from_secs(7));
    })
}

/// The answer's `Cache-Control`.
fn cache_control(server: &Server, target: &str, headers: &[(&str, &str)]) -> String {
    let answer = server.get_with(target, headers);
    let caching = answer.header("cache-control").expect("a rule").to_owned();
    if caching != "no-store" {
        let vary = answer.header("vary").expect("a list");
        assert_eq!(vary, "Last-Event-ID, Origin", "{target}");
    }
    caching
}

#[test]
fn cache_control_says_how_long_caches_may_keep_an_answer() {
    let server = caching_server();
    // Its name contains the parameter's.
    let tickets = server.publish_many("tickets", 2);
    let ticket = cursor(&tickets[0]);
    let first = server.publish_text("lobby", "one");
    let place = cursor(&first);
    let newest = server.publish_text("lobby", "two");
    let end = cursor(&newest);
    let (log, id) = end.rsplit_once('-').expect("a cursor");
    let ahead = format!("{log}-{}", id.parse::<u64>().expect("a number") + 1);
    let (keep, brief, none) = ("public, max-age=7", "public, max-age=1", "no-store");
    for (query, expected) in [
        (format!("cursor={place}"), keep),
        (format!("cursor={place}&wait=20"), keep),
        (format!("room=tickets&cursor={ticket}"), keep),
        (format!("room=lobby&room=den&cursor={place}&limit=1"), keep),
        // The newest message changes with every publish.
        ("last=1".to_owned(), brief),
        (String::new(), brief),
        (format!("cursor={end}"), brief),
        (format!("cursor={end}&wait=0.05"), brief),
        ("cursor=elsewhere-7".to_owned(), brief),
        // It becomes a position of this log with the next message.
        (format!("cursor={ahead}"), none),
        (format!("cursor={place}&client=me"), none),
        (format!("cursor={place}&presence=1"), none),
        (format!("cursor={place}&ticket=x"), none),
        (format!("cursor={place}&%74icket=x"), none),
        (format!("cursor={place}&connection=close"), none),
        ("cursor=none".to_owned(), none),
    ] {
        assert_eq!(
            cache_control(&server, &format!("/poll?{query}"), &[]),
            expected,
            "{query}"
        );
    }
    let target = format!("/poll?cursor={place}");
    for header in [
        ("Last-Event-ID", place),
        ("Authorization", "Basic bWluYTpzZWNyZXQ="),
        ("Cookie", "poll_vs_sse_token=x"),
    ] {
        assert_eq!(
            cache_control(&server, &target, &[header]),
            none,
            "{header:?}"
        );
    }
    let held = format!("\"{end}\"");
    let known = server.get_with(&format!("/poll?cursor={end}"), &[("If-None-Match", &held)]);
    assert_eq!(
        (known.status(), known.header("cache-control")),
        (304, Some(none))
    );
    let plain = Server::memory();
    plain.publish_text("lobby", "one");
    assert_eq!(cache_control(&plain, "/poll?last=1", &[]), none);
}

each_store!(
    an_empty_long_poll_has_another_cursor_for_the_same_position,
    |config| config.poll_cache = Some(Duration::from_secs(5)),
    |server| {
        let first = server.publish_text("lobby", "one");
        let mut asked = BTreeSet::new();
        let mut place = cursor(&first).to_owned();
        for _ in 0..4 {
            assert!(asked.insert(place.clone()), "{place} again");
            let answer = server.get(&format!("/poll?wait=0.05&cursor={place}"));
            let page = answer.ok();
            assert_eq!(
                (&page["messages"], &page["reset"]),
                (&json!([]), &Value::Null)
            );
            cursor(&page).clone_into(&mut place);
            assert!(place.starts_with(cursor(&first)), "{place}");
            assert_eq!(answer.header("etag"), Some(format!("\"{place}\"").as_str()));
        }
        // It is a cursor like any other, on servers with and without the flag.
        let next = server.publish_text("lobby", "two");
        for query in ["", "&wait=20", "&client=me"] {
            let page = server.poll(&format!("cursor={place}{query}"));
            assert_eq!(
                (&page["messages"], cursor(&page)),
                (&json!([next]), cursor(&next))
            );
        }
        let resumed = [("Last-Event-ID", place.as_str())];
        assert_eq!(texts(&server.get_with("/poll", &resumed).ok()), ["two"]);
        let mut stream = server.stream(&format!("cursor={place}"));
        assert_eq!(stream.message(), next);
        for bad in ["k3-1~", "k3-1~x", "k3-1~1~2", "~1"] {
            server
                .get(&format!("/poll?cursor={bad}"))
                .assert_problem_field(400, "cursor");
        }
    }
);

#[test]
fn long_polls_that_began_at_different_times_end_together() {
    let server = caching_server();
    let place = cursor(&server.publish_text("lobby", "one")).to_owned();
    // Start in the first half of a two-second turn, so that all long-polls are in the same turn.
    while (unix_ms() % 2000) > 1000 {
        thread::sleep(Duration::from_millis(20));
    }
    let ends: BTreeSet<String> = [0, 150, 300]
        .map(|delay_ms| {
            let (addr, target) = (server.addr(), format!("/poll?wait=2&cursor={place}"));
            thread::spawn(move || {
                thread::sleep(Duration::from_millis(delay_ms));
                cursor(&addr.get(&target).ok()).to_owned()
            })
        })
        .into_iter()
        .map(|reader| reader.join().expect("an answer"))
        .collect();
    assert_eq!(ends.len(), 1, "{ends:?}");
}

#[test]
fn poll_cache_is_refused_together_with_tokens() {
    let flags = ["--auth", "jwt", "--jwks", "keys.json", "--poll-cache", "5s"];
    assert_refused(&run(&flags), &["--poll-cache", "--auth"]);
}

fn unix_ms() -> u128 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.expect("after 1970").as_millis()
}

/// Starts `program` with its file of `deploy/poll-cache/`, in front of the address `server`.
fn front(
    server: SocketAddr,
    (program, file): (&str, &str),
    arguments: impl FnOnce(&Path, SocketAddr) -> Vec<String>,
) -> Front {
    let directory = tempfile::tempdir().expect("a directory");
    let addr = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let mut config = deployed(&format!("poll-cache/{file}"));
    let (host, port) = (server.ip().to_string(), server.port().to_string());
    for (written, ours) in [
        (FILE_ADDRESS.0, host.as_str()),
        (FILE_ADDRESS.1, &port),
        ("10.0.0.12:8081", &server.to_string()),
        ("admin off", "admin off\n\tdefault_bind 127.0.0.1"),
        ("http://:80", &format!("http://:{}", addr.port())),
        ("listen 80;", &format!("listen {addr} backlog=2048;")),
        ("/var/cache/nginx", &directory.path().display().to_string()),
    ] {
        config = config.replace(written, ours);
    }
    let path = directory.path().join(file);
    fs::write(&path, config).expect("writes");
    let program = find(program).unwrap_or_else(|| panic!("{program} is not installed"));
    let mut command = Command::new(program);
    command.args(arguments(&path, addr));
    // Caddy stores its state there.
    command.env("HOME", directory.path());
    Front::start(command, addr, directory)
}

/// The programs in front of the server. Readers connect to the last one.
pub type FrontChain = Vec<Front>;

pub fn nginx(server: SocketAddr) -> FrontChain {
    let arguments = |path: &Path, _| nginx_arguments(path).into();
    vec![front(server, ("nginx", "nginx.conf"), arguments)]
}

pub fn varnish(server: SocketAddr) -> FrontChain {
    let arguments = |path: &Path, addr: SocketAddr| {
        let work = path.with_file_name("work").display().to_string();
        let (file, addr) = (path.display().to_string(), addr.to_string());
        let arguments = [
            "-F",
            "-j",
            "none",
            "-s",
            "malloc,16m",
            "-n",
            &work,
            "-a",
            &addr,
            "-f",
            &file,
        ];
        arguments.map(str::to_owned).into()
    };
    vec![front(server, ("varnishd", "varnish.vcl"), arguments)]
}

pub fn caddy(server: SocketAddr) -> Front {
    let arguments = |path: &Path, _| {
        let file = path.display().to_string();
        ["run", "--adapter", "caddyfile", "--config", &file]
            .map(str::to_owned)
            .into()
    };
    front(server, ("caddy", "Caddyfile"), arguments)
}

fn caddy_and_varnish(server: SocketAddr) -> FrontChain {
    let mut fronts = varnish(server);
    fronts.push(caddy(fronts[0].addr));
    fronts
}

/// Counters of all readers.
#[derive(Default)]
struct ReaderCounters {
    /// The number of readers that have received each message.
    seen: Vec<AtomicUsize>,
    answers: AtomicUsize,
    stop: AtomicBool,
}

/// Reads by long-polls through a cache. Each message must come once and in order, and no cursor may come twice.
fn long_poll_through(addr: SocketAddr, start: &str, wait: u32, counters: &ReaderCounters) {
    let mut connection = RawConnection::open(addr);
    connection.read_timeout(Duration::from_secs(70));
    let mut asked = BTreeSet::new();
    let mut place = start.to_owned();
    let mut next = 0;
    while next < counters.seen.len() && !counters.stop.load(SeqCst) {
        assert!(
            asked.insert(place.clone()),
            "the cursor {place} came twice: a loop"
        );
        let answer = connection
            .get(&format!("/poll?room=lobby&wait={wait}&cursor={place}"))
            .ok();
        counters.answers.fetch_add(1, SeqCst);
        assert_eq!(answer["reset"], Value::Null);
        for text in texts(&answer) {
            assert_eq!(text, next.to_string(), "after {place}");
            counters.seen[next].fetch_add(1, SeqCst);
            next += 1;
        }
        cursor(&answer).clone_into(&mut place);
    }
}

/// Runs readers that connect to `addr`, while `act` uses the server.
fn with_readers(
    (server, addr): (&Server, SocketAddr),
    (readers, messages, wait): (usize, usize, u32),
    act: impl FnOnce(&ReaderCounters),
) {
    let start = cursor(&server.poll("room=lobby&last=0&client=start")).to_owned();
    let counters = Arc::new(ReaderCounters {
        seen: (0..messages).map(|_| AtomicUsize::new(0)).collect(),
        ..ReaderCounters::default()
    });
    let threads: Vec<_> = (0..readers)
        .map(|_| {
            let (counters, start) = (counters.clone(), start.clone());
            let thread = thread::Builder::new().stack_size(256 * 1024);
            let read = move || long_poll_through(addr, &start, wait, &counters);
            thread.spawn(read).expect("a thread")
        })
        .collect();
    eventually("the first long-poll waits", || {
        server.cost("long-poll")["open"] != 0
    });
    act(&counters);
    counters.stop.store(true, SeqCst);
    for thread in threads {
        thread.join().expect("a reader without a fault");
    }
}

fn requests(server: &Server) -> u64 {
    server.cost("long-poll")["requests"]
        .as_u64()
        .expect("a count")
}

/// Checks that a thousand long-pollers, which all receive every message, cost the server at most two requests a
/// message.
fn assert_polls_collapse(start: fn(SocketAddr) -> FrontChain) {
    const MESSAGES: usize = 4;
    const WAIT: u32 = 60;
    let server = caching_server();
    let fronts = start(server.addr());
    let addr = fronts.last().expect("a front").addr;
    let turn = || unix_ms() / u128::from(WAIT * 1000);
    with_readers((&server, addr), (READERS, MESSAGES, WAIT), |counters| {
        for n in 0..MESSAGES {
            let before = (requests(&server), turn());
            server.publish_text("lobby", &n.to_string());
            eventually("all have it", || counters.seen[n].load(SeqCst) == READERS);
            let most = 2 + 2 * (turn() - before.1) as u64;
            let asked = requests(&server) - before.0;
            assert!(asked <= most, "message {n} took {asked} requests");
        }
        assert!(requests(&server) <= 2 + 2 * MESSAGES as u64 + 2);
    });
}

#[test]
fn many_long_pollers_behind_nginx_are_two_requests_a_message() {
    assert_polls_collapse(nginx);
}

#[test]
fn many_long_pollers_behind_varnish_are_two_requests_a_message() {
    assert_polls_collapse(varnish);
}

#[test]
fn many_long_pollers_behind_caddy_and_a_cache_are_two_requests_a_message() {
    assert_polls_collapse(caddy_and_varnish);
}

/// Checks that without messages, each reader sends one request per wait, and the server gets at most two.
fn assert_idle_polls_collapse(start: fn(SocketAddr) -> FrontChain) {
    const IDLE_READERS: usize = 200;
    let server = caching_server();
    let fronts = start(server.addr());
    let addr = fronts.last().expect("a front").addr;
    // One message ends the test, and shows that all readers are still there.
    with_readers((&server, addr), (IDLE_READERS, 1, 2), |counters| {
        let (began, before) = (Instant::now(), requests(&server));
        thread::sleep(Duration::from_secs(7));
        let turns = began.elapsed().as_secs() / 2 + 2;
        let asked = requests(&server) - before;
        assert!(asked <= 2 * turns, "{asked} requests in {turns} turns");
        let answers = counters.answers.load(SeqCst);
        assert!(
            answers <= IDLE_READERS * (turns as usize + 1),
            "{answers} answers"
        );
        assert!(answers >= IDLE_READERS, "{answers} answers");
        server.publish_text("lobby", "0");
        eventually("all have it", || {
            counters.seen[0].load(SeqCst) == IDLE_READERS
        });
    });
}

#[test]
fn idle_long_pollers_behind_nginx_do_not_loop() {
    assert_idle_polls_collapse(nginx);
}

#[test]
fn idle_long_pollers_behind_varnish_do_not_loop() {
    assert_idle_polls_collapse(varnish);
}
