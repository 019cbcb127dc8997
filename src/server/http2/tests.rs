//! The dispatcher against a client of the `h2` crate, over a pipe in memory.

use std::{
    cell::{Cell, RefCell},
    future::pending,
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use actix_http::{Request, Response, body::BoxBody, error::Error as HttpError};
use actix_service::{Service, fn_service};
use actix_web::{body::BodyStream, http::StatusCode};
use bytes::Bytes;
use futures_util::stream;
use tokio::{
    io::duplex,
    sync::oneshot,
    task::LocalSet,
    time::{Instant, sleep},
};

use super::{
    dispatcher::{ConnectionHost, Timeouts, serve},
    tap::StreamCounter,
};
use crate::{
    limits::refusals::{RefusalCounters, RefusalReason},
    net::connection::ConnectionHandle,
};

const TIMEOUTS: Timeouts = Timeouts {
    keep_alive: Duration::from_secs(75),
    stall: Duration::from_secs(30),
};

/// Records the charges of each stream.
#[derive(Default)]
struct Host {
    streams: RefCell<Vec<Rc<Counter>>>,
    refusals: Arc<RefusalCounters>,
}

#[derive(Default)]
pub struct Counter {
    pub received: Cell<u64>,
    sent: Cell<u64>,
    pub has_ended: Cell<bool>,
}

impl StreamCounter for Counter {
    fn received(&self, bytes: u64) {
        self.received.set(self.received.get() + bytes);
    }

    fn sent(&self, bytes: u64) {
        self.sent.set(self.sent.get() + bytes);
    }

    fn ended(&self) {
        self.has_ended.set(true);
    }
}

impl ConnectionHost for Rc<Host> {
    fn refusals(&self) -> &Arc<RefusalCounters> {
        &self.refusals
    }

    fn begin(&self, _: &mut Request) -> (Rc<dyn StreamCounter>, ConnectionHandle) {
        let counter = Rc::new(Counter::default());
        self.streams.borrow_mut().push(counter.clone());
        (counter, ConnectionHandle::default())
    }
}

/// Sets a flag when it is dropped.
struct DropFlag(Rc<Cell<bool>>);

impl Drop for DropFlag {
    fn drop(&mut self) {
        self.0.set(true);
    }
}

type Client = h2::client::SendRequest<Bytes>;

/// Serves one connection with `service` while `test` runs against it.
async fn with_server<S, T>(
    service: S,
    shutdown: impl Future<Output = ()> + 'static,
    test: impl AsyncFnOnce(Client, Rc<Host>) -> T,
) -> T
where
    S: Service<Request, Response = Response<BoxBody>, Error = HttpError> + 'static,
    S::Future: 'static,
{
    LocalSet::new()
        .run_until(async move {
            let (ours, theirs) = duplex(64 * 1024);
            let host = Rc::new(Host::default());
            let hosted = host.clone();
            tokio::task::spawn_local(async move {
                let _ = serve(ours, None, None, &service, &hosted, TIMEOUTS, shutdown).await;
            });
            let (client, connection) = h2::client::handshake(theirs).await.expect("a handshake");
            tokio::task::spawn_local(async move {
                let _ = connection.await;
            });
            test(client, host).await
        })
        .await
}

fn get(path: &str) -> http::Request<()> {
    http::Request::get(format!("http://localhost{path}"))
        .body(())
        .expect("a request")
}

async fn ok(_: Request) -> Result<Response<BoxBody>, HttpError> {
    Ok(Response::with_body(StatusCode::OK, BoxBody::new("hello")))
}

#[tokio::test(start_paused = true)]
async fn a_client_that_answers_no_ping_is_disconnected_within_forty_seconds() {
    let begun = Instant::now();
    let (ours, theirs) = duplex(64 * 1024);
    let host = Rc::new(Host::default());
    let served = async {
        let ended = serve(
            ours,
            None,
            None,
            &fn_service(ok),
            &host,
            TIMEOUTS,
            pending(),
        )
        .await;
        // Not because it was idle.
        assert!(ended.is_err() && begun.elapsed() < TIMEOUTS.keep_alive);
        begun.elapsed()
    };
    // The connection is not polled any more, like that of a client that has vanished.
    let client = async { h2::client::handshake(theirs).await.expect("a handshake") };
    let (elapsed, _client) = tokio::join!(served, client);
    assert!(elapsed <= Duration::from_secs(40), "{elapsed:?}");
}

#[tokio::test]
async fn an_answer_arrives_whole_and_its_bytes_are_its_streams() {
    with_server(fn_service(ok), pending(), async |client, host| {
        let mut client = client.ready().await.expect("ready");
        let (response, _) = client.send_request(get("/"), true).expect("sent");
        let mut body = response.await.expect("an answer").into_body();
        let data = body.data().await.expect("a chunk").expect("data");
        assert_eq!(data, "hello");
        assert!(body.is_end_stream(), "no empty frame follows a sized body");
        let counters = host.streams.borrow();
        let [counter] = &counters[..] else {
            panic!("one stream");
        };
        assert!(counter.has_ended.get());
        // Frame heads of 9 bytes, a DATA frame of 9 + 5, and the header block.
        assert!(counter.sent.get() > 9 + 14 && counter.sent.get() < 150);
        assert!(counter.received.get() > 9 && counter.received.get() < 100);
    })
    .await;
}

#[tokio::test]
async fn a_reset_drops_handler_and_body_at_once() {
    let dropped = Rc::new(Cell::new(false));
    let flag = dropped.clone();
    let (started, has_started) = oneshot::channel();
    let started = Rc::new(RefCell::new(Some(started)));
    let service = fn_service(move |_: Request| {
        let flag = DropFlag(flag.clone());
        let started = started.borrow_mut().take();
        async move {
            let _flag = flag;
            started.map(|started| started.send(()));
            pending::<Result<Response<BoxBody>, HttpError>>().await
        }
    });
    with_server(service, pending(), async move |client, _| {
        let mut client = client.ready().await.expect("ready");
        let (response, mut stream) = client.send_request(get("/"), true).expect("sent");
        has_started.await.expect("the handler runs");
        stream.send_reset(h2::Reason::CANCEL);
        drop(response);
        while !dropped.get() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_panic_costs_its_stream_and_no_other() {
    let service = fn_service(|request: Request| async move {
        assert_ne!(request.path(), "/panic", "as asked");
        ok(request).await
    });
    with_server(service, pending(), async |client, _| {
        let mut client = client.ready().await.expect("ready");
        let (bad, _) = client.send_request(get("/panic"), true).expect("sent");
        let reason = bad.await.expect_err("reset").reason();
        assert_eq!(reason, Some(h2::Reason::INTERNAL_ERROR));
        let (good, _) = client.send_request(get("/"), true).expect("sent");
        assert_eq!(good.await.expect("an answer").status(), 200);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stalled_stream_holds_up_no_other_and_is_cut_in_time() {
    let service = fn_service(|request: Request| async move {
        if request.path() != "/endless" {
            return ok(request).await;
        }
        let chunk = Bytes::from_static(&[b'x'; 4096]);
        let endless = stream::repeat_with(move || Ok::<_, std::io::Error>(chunk.clone()));
        Ok(Response::with_body(
            StatusCode::OK,
            BoxBody::new(BodyStream::new(endless)),
        ))
    });
    with_server(service, pending(), async |client, _| {
        let mut client = client.ready().await.expect("ready");
        let (stalled, _) = client.send_request(get("/endless"), true).expect("sent");
        let mut stalled = stalled.await.expect("a head").into_body();
        // The client releases no capacity, so its window stays empty once it is used.
        let mut taken = 0;
        while taken < 60 * 1024 {
            taken += stalled.data().await.expect("a chunk").expect("data").len();
        }
        let (other, _) = client.send_request(get("/"), true).expect("sent");
        assert_eq!(other.await.expect("an answer").status(), 200);
        let end = loop {
            match stalled.data().await {
                Some(Ok(_)) => {}
                Some(Err(error)) => break error.reason(),
                None => panic!("a stalled stream does not end as if it were whole"),
            }
        };
        assert_eq!(end, Some(h2::Reason::CANCEL));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_a_large_answer_slowly_gets_all_of_it() {
    const BYTES: usize = 300 * 1024;
    let service = fn_service(|_: Request| async {
        Ok::<_, HttpError>(Response::with_body(
            StatusCode::OK,
            BoxBody::new(Bytes::from(vec![b'x'; BYTES])),
        ))
    });
    with_server(service, pending(), async |client, _| {
        let mut client = client.ready().await.expect("ready");
        let (slow, _) = client.send_request(get("/"), true).expect("sent");
        let mut slow = slow.await.expect("a head").into_body();
        let (mut taken, mut held) = (0, 0);
        while let Some(chunk) = slow.data().await {
            let bytes = chunk.expect("data").len();
            taken += bytes;
            held += bytes;
            // `h2` tells the server once half of the window of 64 KiB is free.
            if held >= 32 * 1024 {
                sleep(TIMEOUTS.stall / 2).await;
                let window = slow.flow_control();
                window.release_capacity(held).expect("held");
                held = 0;
            }
        }
        assert_eq!(taken, BYTES);
    })
    .await;
}

#[tokio::test]
async fn after_goaway_open_streams_are_answered_and_new_ones_are_not_taken() {
    let (stop, stopped) = oneshot::channel::<()>();
    let (release, released) = oneshot::channel::<()>();
    let (started, has_started) = oneshot::channel();
    let gate = Rc::new(RefCell::new(Some((started, released))));
    let service = fn_service(move |request: Request| {
        let gate = gate.borrow_mut().take();
        async move {
            if let Some((started, released)) = gate {
                let _ = started.send(());
                let _ = released.await;
            }
            ok(request).await
        }
    });
    let shutdown = async {
        let _ = stopped.await;
    };
    with_server(service, shutdown, async |client, _| {
        let mut client = client.ready().await.expect("ready");
        let (open, _) = client.send_request(get("/"), true).expect("sent");
        has_started.await.expect("the handler runs");
        stop.send(()).expect("the server runs");
        // A new request is refused as soon as GOAWAY has arrived.
        while let Ok(mut ready) = client.clone().ready().await {
            match ready.send_request(get("/"), true) {
                Ok((response, _)) => drop(response.await),
                Err(_) => break,
            }
        }
        release.send(()).expect("the handler waits");
        assert_eq!(open.await.expect("an answer").status(), 200);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_kept_while_it_is_used_and_let_go_when_it_is_not() {
    with_server(fn_service(ok), pending(), async |client, host| {
        let idle = || host.refusals.total(RefusalReason::Idle);
        let mut client = client.ready().await.expect("ready");
        for _ in 0..4 {
            sleep(TIMEOUTS.keep_alive * 2 / 3).await;
            let (response, _) = client.send_request(get("/"), true).expect("sent");
            assert_eq!(response.await.expect("an answer").status(), 200);
            client = client.ready().await.expect("ready");
        }
        sleep(TIMEOUTS.keep_alive * 9 / 10).await;
        assert_eq!(idle(), 0, "the last answer is not that old");
        sleep(TIMEOUTS.keep_alive * 2 / 10).await;
        assert_eq!(idle(), 1);
        assert!(client.ready().await.is_err(), "GOAWAY has come");
    })
    .await;
}
