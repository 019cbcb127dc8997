//! Micro-benchmarks of the steps of a delivery: append, after, encoding, and the fan-out to subscribers in this
//! process, compared with the usual implementation of a fan-out.

use std::{
    convert::Infallible,
    future::Future,
    hint::black_box,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use actix_web::{
    Responder as _,
    body::{BoxBody, MessageBody},
    test::TestRequest,
};
use actix_web_lab::sse as plain;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use futures_util::StreamExt as _;
use jiff::Timestamp;
use poll_vs_sse_server::{
    delivery::{Delivery, event_stream::EventStream, read_query::ReadQuery, sse},
    domain::{cursor::LogId, draft::Draft, message::Message, room::Room},
    log::{
        Log, LogSettings, ReadPosition, Start,
        entry::{Entry, Limit},
        retention::Retention,
    },
};
use tokio::sync::broadcast;

const SUBSCRIBERS: usize = 1000;
const KEPT: u64 = 10_000;
const TAIL_BYTES: usize = 64 * 1024 * 1024;

criterion_group!(benches, append, after, encode, fan_out);
criterion_main!(benches);

fn memory_log() -> Arc<Log> {
    let retention = Retention {
        messages: Some(KEPT),
        age: None,
    };
    let settings = LogSettings {
        retention,
        tail_bytes: TAIL_BYTES,
        encode: sse::encode,
    };
    Log::in_memory(LogId::random().expect("entropy"), settings)
}

fn draft() -> Draft {
    let text = "Should this page poll, or should it use Server-Sent Events? Let us measure it.";
    Draft {
        room: Room::default(),
        author: "mina".to_owned(),
        text: text.to_owned(),
    }
}

/// The result of a future that is ready at once, as those of the memory store are.
fn now<T>(future: impl Future<Output = T>) -> T {
    let mut context = Context::from_waker(Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the memory store never waits"),
    }
}

fn append(c: &mut Criterion) {
    let log = memory_log();
    c.bench_function("append", |b| {
        b.iter_batched(
            draft,
            |draft| now(log.append(draft, None)),
            BatchSize::SmallInput,
        );
    });
}

fn after(c: &mut Criterion) {
    let log = memory_log();
    for _ in 0..KEPT {
        now(log.append(draft(), None)).expect("appended");
    }
    let room = now(log.reader(&Room::default()));
    let head = log.head();
    let mut group = c.benchmark_group("after");
    for lacking in [0, 1, 200] {
        let place = ReadPosition {
            after: head - lacking,
            reset: None,
        };
        let limit = Limit {
            messages: 200,
            bytes: usize::MAX,
        };
        group.throughput(Throughput::Elements(lacking.max(1)));
        group.bench_function(format!("{lacking} messages"), |b| {
            b.iter(|| now(room.after(black_box(place), limit)).expect("read"));
        });
    }
}

fn encode(c: &mut Criterion) {
    let id = LogId::random().expect("entropy");
    let message = Message::new(id, 17, draft(), Timestamp::now());
    c.bench_function("encode", |b| {
        b.iter(|| Entry::new(&black_box(&message).view(), sse::encode))
    });
}

/// One message to a thousand subscribers: encoded once and shared, against `actix-web-lab`'s `Sse`
/// over a broadcast channel, which formats each event for each subscriber.
fn fan_out(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let _entered = runtime.enter();
    let mut group = c.benchmark_group("fan-out");
    group.throughput(Throughput::Elements(SUBSCRIBERS as u64));

    let log = memory_log();
    let mut streams: Vec<EventStream> = (0..SUBSCRIBERS).map(|_| subscribe(&log)).collect();
    group.bench_function("encoded once", |b| {
        b.iter(|| {
            now(log.append(draft(), None)).expect("appended");
            let mut context = Context::from_waker(Waker::noop());
            let mut delivered = 0;
            for stream in &mut streams {
                while let Poll::Ready(Some(frame)) = stream.poll_next_unpin(&mut context) {
                    delivered += black_box(frame).messages as usize;
                }
            }
            assert_eq!(delivered, SUBSCRIBERS);
        });
    });

    let (sender, _) = broadcast::channel(16);
    let mut bodies: Vec<BoxBody> = (0..SUBSCRIBERS)
        .map(|_| subscribe_plainly(&sender))
        .collect();
    let id = LogId::random().expect("entropy");
    group.bench_function("plain", |b| {
        b.iter(|| {
            let message = Arc::new(Message::new(id, 17, draft(), Timestamp::now()));
            sender.send(message).expect("subscribers");
            let mut context = Context::from_waker(Waker::noop());
            let mut delivered = 0;
            for body in &mut bodies {
                while let Poll::Ready(Some(Ok(bytes))) =
                    Pin::new(&mut *body).poll_next(&mut context)
                {
                    delivered += usize::from(!black_box(bytes).is_empty());
                }
            }
            assert_eq!(delivered, SUBSCRIBERS);
        });
    });
}

fn subscribe(log: &Arc<Log>) -> EventStream {
    let query = ReadQuery::parse("last=0", None).expect("valid");
    assert_eq!(query.start, Start::Last(0));
    let mut frames = now(Delivery::new(log.clone()).stream(&query, 0)).expect("open");
    let mut context = Context::from_waker(Waker::noop());
    while frames.poll_next_unpin(&mut context).is_ready() {}
    frames
}

fn subscribe_plainly(sender: &broadcast::Sender<Arc<Message>>) -> BoxBody {
    let messages = futures_util::stream::unfold(sender.subscribe(), |mut messages| async move {
        let message = messages.recv().await.ok()?;
        let json = String::from_utf8(message.to_json()).ok()?;
        let event = plain::Data::new(json).id(message.cursor.to_string());
        Some((Ok::<_, Infallible>(plain::Event::Data(event)), messages))
    });
    let request = TestRequest::default().to_http_request();
    plain::Sse::from_stream(messages)
        .respond_to(&request)
        .into_body()
}
