//! The handlers without the project's server: called by `actix_web::test`, and in a plain `HttpServer`. These do not
//! count the bytes of connections, so the ledger counts the bytes of bodies instead.

use std::{future::poll_fn, net::SocketAddr, pin::pin, sync::Arc, thread, time::Duration};

use actix_web::{HttpServer, body::MessageBody, http::StatusCode, rt::System, test as actix_test};
use poll_vs_sse_server::{
    delivery::{Delivery, sse},
    domain::cursor::LogId,
    http::routes::{AppState, app},
    ledger::{
        Ledger,
        access_log::{EventLog, Format},
    },
    log::{Log, LogSettings, retention::Retention},
};
use serde_json::{Value, json};

use crate::support::raw_connection::RawConnection;

fn state() -> AppState {
    let settings = LogSettings {
        retention: Retention::UNLIMITED,
        tail_bytes: 1024 * 1024,
        encode: sse::encode,
    };
    let log = Log::in_memory(LogId::random().expect("entropy"), settings);
    let (events, _) = EventLog::to(std::io::sink(), Format::Text).expect("a thread");
    AppState {
        delivery: Arc::new(Delivery::new(log)),
        ledger: Arc::new(Ledger::new(events, false)),
        faults: Arc::default(),
        policy: Arc::default(),
        page: Err("no page"),
    }
}

#[test]
fn handlers_run_under_actix_webs_test_service() {
    System::new().block_on(async {
        let service = actix_test::init_service(app(state())).await;
        let draft = json!({"author": "mina", "text": "hello"});
        let publish = actix_test::TestRequest::post()
            .uri("/messages")
            .set_json(draft);
        let answer = actix_test::call_service(&service, publish.to_request()).await;
        assert_eq!(answer.status(), StatusCode::CREATED);
        let message: Value = actix_test::read_body_json(answer).await;

        let poll = actix_test::TestRequest::get().uri("/poll?client=me");
        let answer = actix_test::call_service(&service, poll.to_request()).await;
        let body = actix_test::read_body(answer).await;
        let page: Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!(page["messages"], json!([message]));

        let stream = actix_test::TestRequest::get().uri("/stream?client=me&presence=0");
        let answer = actix_test::call_service(&service, stream.to_request()).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let mut events = pin!(answer.into_body());
        let mut next = async || {
            let next = poll_fn(|cx| events.as_mut().poll_next(cx));
            let chunk = tokio::time::timeout(Duration::from_secs(10), next).await;
            let chunk = chunk.expect("in time").expect("no end");
            chunk.unwrap_or_else(|_| panic!("no error"))
        };
        assert_eq!(next().await, "retry: 1000\n\n");
        let event = String::from_utf8(next().await.to_vec()).expect("UTF-8");
        assert!(event.ends_with(&format!("data: {message}\n\n")), "{event}");

        let ledger = actix_test::TestRequest::get().uri("/ledger?client=me");
        let figures: Value =
            actix_test::call_and_read_body_json(&service, ledger.to_request()).await;
        let figures = &figures["transports"];
        assert_eq!(figures["poll"]["wire_bytes_out"], body.len());
        assert_eq!(figures["poll"]["messages"], 1);
        assert_eq!(figures["stream"]["requests"], 1);

        let refused = actix_test::TestRequest::get().uri("/poll?limit=0");
        let answer = actix_test::call_service(&service, refused.to_request()).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
        let problem: Value = actix_test::read_body_json(answer).await;
        assert_eq!(problem["field"], "limit");
    });
}

#[test]
fn handlers_run_in_a_plain_http_server() {
    let state = state();
    let (started, addr) = std::sync::mpsc::channel::<(SocketAddr, _)>();
    let server = thread::spawn(move || {
        System::new().block_on(async {
            let server = HttpServer::new(move || app(state.clone()))
                .workers(1)
                .disable_signals()
                .bind("127.0.0.1:0")
                .expect("binds");
            let addr = server.addrs()[0];
            let server = server.run();
            started.send((addr, server.handle())).expect("waited for");
            server.await
        })
    });
    let (addr, handle) = addr.recv().expect("starts");
    let mut connection = RawConnection::open(addr);
    let message = crate::support::client::publish_text(&mut connection, "lobby", "hello");
    let page = connection.get("/poll?client=me").ok();
    assert_eq!(page["messages"], json!([message]));
    let figures = connection.get("/ledger?client=me").ok();
    let body = page.to_string().len();
    assert_eq!(figures["transports"]["poll"]["wire_bytes_out"], body);
    drop(connection);
    drop(handle.stop(false));
    server.join().expect("no panic").expect("ends");
}
