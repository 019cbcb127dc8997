//! A client whose connection is cut repeatedly while messages are published: the messages that it misses or receives
//! twice.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

use super::publisher::Publisher;
use super::reader::Reader;
use super::report::stacks::Reconnects;
use super::running::Endpoint;

const MESSAGES: u64 = 100;
/// The number of messages that it reads before its connection is cut.
const BETWEEN_CUTS: usize = 10;
const INTERVAL: Duration = Duration::from_millis(5);
const EVENT_TIMEOUT: Duration = Duration::from_secs(5);

pub fn round(endpoint: Endpoint, room: &str) -> Result<Reconnects> {
    let first = Reader::open(endpoint.address, &endpoint.dialect.stream(room), None)?;
    let (seen, reconnects, publishing) = std::thread::scope(|scope| {
        let reading = scope.spawn(|| read_with_cuts(endpoint, room, first));
        let published = publish(endpoint, room);
        let (seen, reconnects) = reading.join().map_err(|_| anyhow!("the reader panicked"))?;
        Ok::<_, anyhow::Error>((seen, reconnects, published))
    })?;
    let missed = (0..MESSAGES)
        .filter(|number| !seen.contains_key(number))
        .count();
    Ok(Reconnects {
        reconnects,
        published: MESSAGES,
        missed: missed as u64,
        duplicates: seen.values().map(|times| times - 1).sum(),
        failure: publishing.err().map(|error| format!("{error:#}")),
    })
}

fn publish(endpoint: Endpoint, room: &str) -> Result<()> {
    let mut publisher = Publisher::new(endpoint);
    for number in 0..MESSAGES {
        publisher.publish(room, &format!("number {number:04} end"))?;
        std::thread::sleep(INTERVAL);
    }
    Ok(())
}

/// Returns how often each message was seen, and how often the connection was cut. Gives up if no message arrives in
/// time.
fn read_with_cuts(endpoint: Endpoint, room: &str, first: Reader) -> (HashMap<u64, u64>, usize) {
    let path = endpoint.dialect.stream(room);
    let (mut seen, mut reconnects) = (HashMap::new(), 0);
    let (mut reader, mut last_id) = (first, None);
    loop {
        let mut count = 0;
        while count < BETWEEN_CUTS {
            let Ok(events) = reader.wait_events(Instant::now() + EVENT_TIMEOUT) else {
                return (seen, reconnects);
            };
            for event in events {
                let Some(number) = number_in(&event.data) else {
                    continue;
                };
                *seen.entry(number).or_insert(0) += 1;
                last_id = event.id.or(last_id);
                count += 1;
                if number + 1 == MESSAGES {
                    return (seen, reconnects);
                }
            }
        }
        drop(reader);
        reconnects += 1;
        reader = match Reader::open(endpoint.address, &path, last_id.as_deref()) {
            Ok(reader) => reader,
            Err(_) => return (seen, reconnects),
        };
    }
}

fn number_in(data: &str) -> Option<u64> {
    let (_, rest) = data.split_once("number ")?;
    rest.split_once(" end")?.0.parse().ok()
}
