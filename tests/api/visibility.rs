//! A read that starts after the `201` sees the message.

use crate::support::{
    client::{TestClient as _, cursor, publish_text, texts},
    each_store,
    events::Events,
};

const PUBLISHERS: usize = 6;
const ROUNDS: usize = 60;

each_store!(
    a_read_that_starts_after_the_201_sees_the_message,
    |config| config.workers = 2,
    |server| {
        std::thread::scope(|scope| {
            for publisher in 0..PUBLISHERS {
                scope.spawn(move || {
                    // Two rooms for all publishers, so that the rooms share the log, and publishers share a room.
                    let room = if publisher % 2 == 0 { "even" } else { "odd" };
                    let (mut writer, mut reader) = (server.raw(), server.raw());
                    for round in 0..ROUNDS {
                        let message =
                            publish_text(&mut writer, room, &format!("{publisher}.{round}"));
                        let text = message["text"].as_str().expect("a text").to_owned();
                        let read = reader.get(&format!("/poll?room={room}&last=1000&limit=1000"));
                        assert!(texts(&read.ok()).contains(&text), "{text}: read with last");
                        let id = message["id"].as_u64().expect("an id");
                        let (log, _) = cursor(&message).split_once('-').expect("log-id");
                        let before = format!("{log}-{}", id - 1);
                        let target = format!("/poll?room={room}&limit=1&cursor={before}");
                        assert_eq!(texts(&reader.get(&target).ok()), [text], "by cursor");
                    }
                });
            }
        });
        let all = |room| texts(&server.poll(&format!("room={room}&last=1000&limit=1000"))).len();
        assert_eq!(
            (all("even"), all("odd")),
            (PUBLISHERS / 2 * ROUNDS, PUBLISHERS / 2 * ROUNDS)
        );
    }
);

each_store!(
    a_stream_opened_after_the_201_begins_with_the_message,
    |config| config.workers = 2,
    |server| {
        std::thread::scope(|scope| {
            for publisher in 0..4 {
                scope.spawn(move || {
                    let room = format!("room-{publisher}");
                    for round in 0..20 {
                        let message = server.publish_text(&room, &round.to_string());
                        let target = format!("/stream?room={room}&last=1");
                        let mut stream = Events::open(server.raw(), &target, &[]);
                        assert_eq!(stream.message(), message);
                    }
                });
            }
        });
    }
);

each_store!(
    every_reader_sees_the_same_order,
    |config| config.workers = 2,
    |server| {
        let mut streams = [server.stream("last=0"), server.stream("last=0")];
        for stream in &mut streams {
            stream.frame();
        }
        let start = cursor(&server.poll("last=0")).to_owned();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| server.publish_many("lobby", 50));
            }
        });
        let polled = server.poll(&format!("cursor={start}&limit=1000"))["messages"].clone();
        for stream in &mut streams {
            assert_eq!(serde_json::json!(stream.messages(200)), polled);
        }
    }
);
