//! Clients that leave: by closing the connection, by vanishing, or by no longer reading.

use std::{os::fd::AsRawFd as _, time::Duration};

use crate::support::{
    client::{TestClient as _, publish_text},
    events::Events,
    eventually,
    server::{Server, StoreKind},
};

/// The contract allows one second for a closed tab; the test allows more, for a busy machine.
#[test]
fn a_closed_stream_is_noticed_although_nothing_is_sent() {
    let server = Server::memory();
    let mut streams: Vec<Events> = (0..6).map(|_| server.stream("room=quiet")).collect();
    for stream in &mut streams {
        stream.frame();
    }
    assert_eq!(server.cost("stream")["open"], 6);
    streams.pop().expect("a stream").connection.abort();
    drop(streams.split_off(2));
    eventually("closed streams are gone", || {
        server.cost("stream")["open"] == 2
    });
    server.publish_text("quiet", "still here");
    for stream in &mut streams {
        assert_eq!(stream.message()["text"], "still here");
    }
}

#[test]
fn a_reader_that_takes_nothing_is_cut_after_the_stall_timeout() {
    let server = Server::with(StoreKind::Memory, |config| {
        config.stall_timeout = Duration::from_secs(2);
    });
    let stalled = server.stream("room=flood&client=stalled");
    let mut idle = server.stream("room=quiet&client=idle&presence=0");
    idle.frame();
    let text = "x".repeat(4096);
    let mut connection = server.raw();
    // More than the buffers of the two sockets take, although the kernel could let them grow larger.
    for _ in 0..600 {
        publish_text(&mut connection, "flood", &text);
    }
    eventually("the stalled reader is cut", || {
        server.client_cost("stalled", "stream")["open"] == 0
    });
    let taken = server.client_cost("stalled", "stream")["wire_bytes_out"].clone();
    assert!(
        taken.as_u64().expect("a count") < 1_000_000,
        "bytes handed to the kernel: {taken}"
    );
    drop(stalled);
    assert_eq!(
        server.client_cost("idle", "stream")["open"],
        1,
        "an idle stream is not stalled"
    );
    server.publish_text("quiet", "hello");
    assert_eq!(idle.message()["text"], "hello");
}

/// Closes a socket without sending anything to its peer. Returns false if that is not permitted.
fn vanish(events: Events) -> bool {
    let on: libc::c_int = 1;
    let fd = events.connection.socket().as_raw_fd();
    // SAFETY: the socket is open, and the option's value is an int of that size. In repair mode
    // the kernel sends nothing when the socket is closed.
    let result = unsafe {
        libc::setsockopt(
            fd,
            libc::IPPROTO_TCP,
            libc::TCP_REPAIR,
            (&raw const on).cast(),
            size_of_val(&on) as libc::socklen_t,
        )
    };
    result == 0
}

#[test]
fn a_client_that_vanished_without_closing_is_noticed() {
    let server = Server::with(StoreKind::Memory, |config| {
        config.stall_timeout = Duration::from_secs(2);
    });
    let mut stream = server.stream("room=quiet");
    stream.frame();
    assert_eq!(server.cost("stream")["open"], 1);
    if vanish(stream) {
        // TCP probes detect it, well before the next keep-alive would.
        eventually("the stream is closed", || {
            server.cost("stream")["open"] == 0
        });
    } else {
        eprintln!("skipped: this needs CAP_NET_ADMIN");
    }
}
