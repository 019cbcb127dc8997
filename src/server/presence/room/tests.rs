//! The events that a room's streams get, and when.

use super::*;

fn encode(json: &str) -> Bytes {
    Bytes::copy_from_slice(json.as_bytes())
}

fn reader(client: &str) -> Reader {
    Reader {
        client: client.parse().expect("a label"),
        address: None,
        author: None,
        transport: Transport::Stream,
        interval: None,
    }
}

/// Joins `client` and returns the bytes that the room's streams are sent because of it.
fn join(members: &mut RoomMembers, client: &str, now: Instant) -> usize {
    members
        .join(reader(client), now, Timestamp::UNIX_EPOCH, &Arc::default())
        .expect("has joined");
    notify(members, now)
}

fn notify(members: &mut RoomMembers, now: Instant) -> usize {
    let mut watching = members.updates.as_ref().map(watch::Sender::subscribe);
    members.notify(&Room::default(), now, Duration::from_secs(1), encode);
    let Some(watching) = &mut watching else {
        return 0;
    };
    if !watching.has_changed().unwrap_or(false) {
        return 0;
    }
    let subscribers = members.updates.as_ref().map_or(0, |it| it.receiver_count());
    watching.borrow_and_update().len() * subscribers
}

#[test]
fn a_busy_room_of_many_streams_costs_a_bounded_amount() {
    let mut members = RoomMembers::default();
    let start = Instant::now();
    let streams: Vec<_> = (0..2000).map(|_| members.subscribe()).collect();
    let mut bytes = 0;
    let mut largest = 0;
    for tick in 0..2400_u32 {
        let now = start + Duration::from_millis(250) * tick;
        let sent = join(&mut members, &format!("visitor-{tick}"), now);
        bytes += sent as u64;
        largest = largest.max(sent as u64);
    }
    assert!(bytes > 0, "changes are told");
    let seconds = 600;
    assert!(
        bytes <= seconds * MAX_BYTES_PER_SECOND + largest,
        "{bytes} bytes in {seconds} s"
    );
    drop(streams);
}

#[test]
fn a_small_room_is_told_of_each_change_within_a_second() {
    let mut members = RoomMembers::default();
    let start = Instant::now();
    let _stream = members.subscribe();
    assert!(join(&mut members, "a", start) > 0);
    assert_eq!(join(&mut members, "b", start), 0);
    assert!(notify(&mut members, start + Duration::from_secs(1)) > 0);
}

#[test]
fn a_new_subscriber_is_sent_the_present_state() {
    let mut members = RoomMembers::default();
    let start = Instant::now();
    let first = members.subscribe();
    assert!(!first.has_changed().expect("open"));
    join(&mut members, "a", start);
    let mut second = members.subscribe();
    assert!(second.has_changed().expect("open"));
    let event = String::from_utf8(second.borrow_and_update().to_vec()).expect("text");
    assert!(event.contains("\"client\":\"a\""), "{event}");
    drop((first, second));
}

#[test]
fn changes_that_no_stream_asked_for_are_not_encoded() {
    let mut members = RoomMembers::default();
    let start = Instant::now();
    drop(members.subscribe());
    let joined = members.join(reader("a"), start, Timestamp::UNIX_EPOCH, &Arc::default());
    assert!(joined.is_some());
    members.notify(&Room::default(), start, Duration::from_secs(1), encode);
    assert!(members.updates.is_none());
}
