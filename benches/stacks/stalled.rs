//! Clients that stop reading while messages are published: the memory that the server uses for them.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};

use super::publisher::Publisher;
use super::reader::Reader;
use super::report::stacks::StalledReaders;
use super::running::RunningStack;
use super::usage;

const MESSAGES: usize = 1000;
const TEXT_BYTES: usize = 4000;
/// The beginning of each text.
const MARK: &str = "stall:";
/// The smallest that the kernel allows, so that unread data stays at the server.
const RECEIVE_BUFFER_BYTES: usize = 4096;
/// The longest wait for the next message of the client that reads.
const EVENT_TIMEOUT: Duration = Duration::from_secs(20);

/// Measures `readers` clients that read nothing, and one that reads everything.
///
/// The log itself grows with every message. That growth is measured first, without stalled readers, to be subtracted.
pub fn rounds(
    running: &RunningStack,
    readers: usize,
    rounds: usize,
) -> Result<Vec<StalledReaders>> {
    let (log_kib, _) = publish_with_stalled(running, "stalled", 0)?;
    let mut records = Vec::new();
    for round in 0..rounds {
        let (grown_kib, reader_has_all) =
            publish_with_stalled(running, &format!("stalled{round}"), readers)?;
        records.push(StalledReaders {
            readers,
            bytes_each: (MESSAGES * TEXT_BYTES) as u64,
            memory_before_kib: log_kib,
            memory_after_kib: grown_kib,
            reader_has_all,
        });
    }
    Ok(records)
}

/// Publishes to a room with `stalled` stalled readers and one that reads. Returns the growth of the memory, and whether
/// the reader has received all messages.
fn publish_with_stalled(running: &RunningStack, room: &str, stalled: usize) -> Result<(u64, bool)> {
    let path = running.endpoint.dialect.stream(room);
    let stalled: Result<Vec<_>> = (0..stalled).map(|_| open_stalled(running, &path)).collect();
    let stalled = stalled?;
    let reader = Reader::open(running.endpoint.address, &path, None)?;
    let before_kib = usage::settled_pss_kib(&running.pids())?;
    let has_all = std::thread::scope(|scope| {
        let reading = scope.spawn(|| read_all(reader));
        let mut publisher = Publisher::new(running.endpoint);
        let text = format!("{MARK}{}", "x".repeat(TEXT_BYTES - MARK.len()));
        for _ in 0..MESSAGES {
            publisher.publish(room, &text)?;
        }
        let has_all = reading.join().map_err(|_| anyhow!("the reader panicked"))?;
        Ok::<_, anyhow::Error>(has_all)
    })?;
    let after_kib = usage::settled_pss_kib(&running.pids())?;
    drop(stalled);
    Ok((after_kib.saturating_sub(before_kib), has_all))
}

fn open_stalled(running: &RunningStack, path: &str) -> Result<TcpStream> {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
    socket.set_recv_buffer_size(RECEIVE_BUFFER_BYTES)?;
    socket
        .connect(&running.endpoint.address.into())
        .context("connect a client that will stall")?;
    let mut socket = TcpStream::from(socket);
    socket.write_all(&super::http::get_stream(path))?;
    Ok(socket)
}

fn read_all(mut reader: Reader) -> bool {
    let mut count = 0;
    let mut deadline = Instant::now() + EVENT_TIMEOUT;
    while count < MESSAGES {
        let Ok(events) = reader.wait_events(deadline) else {
            return false;
        };
        // An event may carry several messages.
        let messages = events.iter().map(|event| event.data.matches(MARK).count());
        count += messages.sum::<usize>();
        deadline = Instant::now() + EVENT_TIMEOUT;
    }
    true
}
