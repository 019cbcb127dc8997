//! Clients that close their streams: how long the server keeps their sockets.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::reader::Reader;
use super::report::stacks::{DEPARTURE_INTERVAL, Departure};
use super::running::RunningStack;

const ROOM: &str = "departures";
/// A little more than two keep-alive intervals of 15 s.
pub const LIMIT: Duration = Duration::from_secs(32);
/// The pause between two checks after `LATER`, when most servers have noticed. It is longer, because other measurements
/// run at the same time.
const LATER_INTERVAL: Duration = Duration::from_millis(200);
const LATER: Duration = Duration::from_secs(1);

/// Open streams, and the sockets that the server has for them, including those between its processes.
pub struct Departures {
    streams: Vec<Reader>,
    sockets: HashSet<String>,
    pids: Vec<i32>,
}

impl Departures {
    /// Opens `count` streams, one after another. No other sockets may be opened at the same time.
    pub fn open(running: &RunningStack, count: usize) -> Result<Self> {
        let pids = running.pids();
        let before = sockets_of(&pids);
        let path = running.endpoint.dialect.stream(ROOM);
        let mut streams = Vec::new();
        for _ in 0..count {
            streams.push(Reader::open(running.endpoint.address, &path, None)?);
            // So that the keep-alives of the streams are at different times.
            std::thread::sleep(DEPARTURE_INTERVAL);
        }
        let sockets: HashSet<String> = sockets_of(&pids).difference(&before).cloned().collect();
        ensure!(
            !sockets.is_empty(),
            "the server has no sockets for its streams"
        );
        Ok(Self {
            streams,
            sockets,
            pids,
        })
    }

    /// Closes all streams, and waits until the server has closed their sockets. Every stream is assumed to have the
    /// same number of sockets.
    pub fn close(self) -> Vec<Departure> {
        let count = self.streams.len();
        let begin = Instant::now();
        drop(self.streams);
        let mut noticed = Vec::new();
        while noticed.len() < count && begin.elapsed() < LIMIT {
            std::thread::sleep(match begin.elapsed() < LATER {
                true => DEPARTURE_INTERVAL,
                false => LATER_INTERVAL,
            });
            let held = sockets_of(&self.pids);
            let left = self.sockets.intersection(&held).count();
            let gone = count - (left * count).div_ceil(self.sockets.len());
            while noticed.len() < gone {
                noticed.push(begin.elapsed());
            }
        }
        let limit_s = LIMIT.as_secs_f64();
        (0..count)
            .map(|number| Departure {
                noticed_s: noticed.get(number).map(Duration::as_secs_f64),
                limit_s,
            })
            .collect()
    }
}

/// The sockets of these processes, by the kernel's names for them.
fn sockets_of(pids: &[i32]) -> HashSet<String> {
    let descriptors = pids
        .iter()
        .filter_map(|pid| std::fs::read_dir(format!("/proc/{pid}/fd")).ok());
    let links = descriptors
        .flatten()
        .filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
    let names = links.map(|link| link.to_string_lossy().into_owned());
    names.filter(|name| name.starts_with("socket:")).collect()
}
