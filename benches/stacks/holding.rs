//! More and more idle streams: the memory of each, how many can be open before a plain request has to wait, and how
//! long the server takes to stop while they are open.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::http::Connection;
use super::publisher::Publisher;
use super::reader::Reader;
use super::report::stacks::{PlainRequest, StreamCapacity};
use super::running::RunningStack;
use super::usage;

const ROOM: &str = "holding";
/// The numbers of open streams at which a plain request is sent.
const STEPS: [usize; 9] = [1, 2, 5, 10, 20, 50, 100, 200, 500];
/// Streams that are requested at the same time.
const BATCH: usize = 25;
/// A request counts as not served after this time without an answer.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(2);
/// The longest time for the server to stop.
const STOP_LIMIT: Duration = Duration::from_secs(2);
/// The time without requests over which idle CPU is measured.
const IDLE_TIME: Duration = Duration::from_secs(1);

/// Opens up to `most` streams on a server that has just been started, and stops it.
pub fn measure(mut running: RunningStack, most: usize) -> Result<StreamCapacity> {
    warm_up(&running)?;
    let memory_before_kib = running.memory_kib()?;
    let threads_before = usage::threads(&running.pids())?;
    let (mut streams, mut plain, mut tried) = (Vec::new(), Vec::new(), 0);
    for step in STEPS.into_iter().filter(|step| *step <= most) {
        tried = step;
        open_up_to(&running, &mut streams, step)?;
        let took = time_plain(&running).ok();
        let ms = took.map(|took| took.as_secs_f64() * 1e3);
        plain.push(PlainRequest {
            streams: streams.len(),
            ms,
        });
        if streams.len() < step || ms.is_none() {
            break;
        }
    }
    let memory_after_kib = running.memory_kib()?;
    let pids = running.pids();
    let threads_after = usage::threads(&pids)?;
    let cpu_before = usage::cpu_time(&pids)?;
    std::thread::sleep(IDLE_TIME);
    let idle = usage::cpu_time(&pids)? - cpu_before;
    ensure!(
        !running.process.has_ended(),
        "the server ended:\n{}",
        running.process.last_output()
    );
    let stop = running.process.stop_within(STOP_LIMIT);
    if stop.is_none() {
        running.process.kill();
    }
    Ok(StreamCapacity {
        tried,
        open: streams.len(),
        memory_before_kib,
        memory_after_kib,
        threads_before,
        threads_after,
        processes: pids.len(),
        idle_cpu: idle.as_secs_f64() / IDLE_TIME.as_secs_f64(),
        plain,
        stop_ms: stop.map(|stop| stop.as_secs_f64() * 1e3),
        stop_limit_ms: STOP_LIMIT.as_secs_f64() * 1e3,
    })
}

/// Uses everything once, so that code loaded at first use does not count as the memory of a stream.
fn warm_up(running: &RunningStack) -> Result<()> {
    let mut publisher = Publisher::new(running.endpoint);
    for _ in 0..3 {
        publisher.publish("warmup", "warm")?;
        time_plain(running).context("a plain request, with no stream open")?;
    }
    let path = running.endpoint.dialect.stream("warmup");
    drop(Reader::open(running.endpoint.address, &path, None)?);
    Ok(())
}

/// Opens streams until `count` are open, or until some of a batch do not open.
fn open_up_to(running: &RunningStack, streams: &mut Vec<Reader>, count: usize) -> Result<()> {
    let path = running.endpoint.dialect.stream(ROOM);
    while streams.len() < count {
        let wanted = (count - streams.len()).min(BATCH);
        let opening = (0..wanted).map(|_| Reader::connect(running.endpoint.address, &path, None));
        let opening: Vec<_> = opening.filter_map(Result::ok).collect();
        let deadline = Instant::now() + RESPONSE_TIMEOUT;
        let before = streams.len();
        for mut stream in opening {
            if stream.wait_open(deadline).unwrap_or(false) {
                streams.push(stream);
            }
        }
        if streams.len() < before + wanted {
            break;
        }
    }
    Ok(())
}

fn time_plain(running: &RunningStack) -> Result<Duration> {
    let begin = Instant::now();
    let mut connection = Connection::open_within(running.endpoint.address, RESPONSE_TIMEOUT)?;
    let answer = connection.ask(&running.endpoint.dialect.plain())?;
    ensure!(
        matches!(answer.status, 200 | 204 | 304),
        "status {}",
        answer.status
    );
    Ok(begin.elapsed())
}
