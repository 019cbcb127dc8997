//! Clients that close their streams: until when the server holds on to them.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::reader::Reader;
use super::report::stacks::Departure;
use super::running::RunningStack;

const ROOM: &str = "departures";
/// Two keep-alives of 15 s, and a little.
pub const LIMIT: Duration = Duration::from_secs(32);
const INTERVAL: Duration = Duration::from_millis(20);
/// Between two looks once most servers have noticed: other things are measured at the same time.
const LATER_INTERVAL: Duration = Duration::from_millis(200);
const LATER: Duration = Duration::from_secs(1);

/// Streams that are open, and the sockets the server has for them: its own and those to what stands behind it.
pub struct Departures {
    streams: Vec<Reader>,
    sockets: HashSet<String>,
    pids: Vec<i32>,
}

impl Departures {
    /// Opens `count` streams, one after another. Nothing else must be going on.
    pub fn open(running: &RunningStack, count: usize) -> Result<Self> {
        let pids = running.pids();
        let before = sockets_of(&pids);
        let path = running.endpoint.dialect.stream(ROOM);
        let mut streams = Vec::new();
        for _ in 0..count {
            streams.push(Reader::open(running.endpoint.address, &path, None)?);
            // Each with a keep-alive at a moment of its own.
            std::thread::sleep(INTERVAL);
        }
        let sockets = sockets_of(&pids).difference(&before).cloned().collect();
        Ok(Self {
            streams,
            sockets,
            pids,
        })
    }

    /// Closes all, and waits until none of those sockets is left. One part of the sockets is one stream's.
    pub fn close(self) -> Vec<Departure> {
        let count = self.streams.len();
        let begin = Instant::now();
        drop(self.streams);
        let mut noticed = Vec::new();
        while noticed.len() < count && begin.elapsed() < LIMIT {
            let held = sockets_of(&self.pids);
            let left = self.sockets.intersection(&held).count();
            let gone = count - (left * count).div_ceil(self.sockets.len().max(1));
            while noticed.len() < gone {
                noticed.push(begin.elapsed());
            }
            std::thread::sleep(match begin.elapsed() < LATER {
                true => INTERVAL,
                false => LATER_INTERVAL,
            });
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

/// What these processes hold of sockets, by the kernel's names for them.
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
