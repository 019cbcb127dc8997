//! Beyond one process: a group of servers with more readers than one process may have sockets.

use serde::{Deserialize, Serialize};

use super::super::number::{count, milliseconds, three_digits};
use super::super::part::Part;
use super::super::provenance::Provenance;
use super::super::spread::{self, Spread, spread};
use super::readers::FirstByteTimes;

/// The results of a run.
#[derive(Debug, Serialize, Deserialize)]
pub struct ScaleRun {
    pub about: Provenance,
    /// The version of NATS.
    pub nats: String,
    pub groups: Vec<GroupFigures>,
}

/// Memory and CPU of servers on one NATS, with the readers of one room spread over them.
#[derive(Debug, Serialize, Deserialize)]
pub struct GroupFigures {
    pub servers: usize,
    pub readers: usize,
    /// Proportional set size of all servers before the readers connected, and with them.
    pub before_kib: u64,
    pub held_kib: u64,
    /// The kernel's slabs and TCP buffers of the whole machine, so of both ends of each connection.
    pub kernel_before_kib: u64,
    pub kernel_held_kib: u64,
    pub messages: Vec<MessageCost>,
    /// The times of a killed server's readers, which reconnected to another server.
    pub moved: Option<FirstByteTimes>,
}

/// The CPU time and the delays of one message to all readers.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct MessageCost {
    /// CPU of all servers and of NATS.
    pub cpu_ns: u64,
    pub nats_cpu_ns: u64,
    /// Delay from the publish to its arrivals, for the readers of each server.
    pub p50_us: Vec<u64>,
    pub p99_us: Vec<u64>,
    pub longest_us: u64,
}

impl GroupFigures {
    fn cpu_us(&self) -> Option<Spread> {
        let readers = self.readers as f64;
        let each = self.messages.iter();
        spread(each.map(|message| (message.cpu_ns + message.nats_cpu_ns) as f64 / 1000.0 / readers))
    }

    fn each_kib(&self) -> f64 {
        (self.held_kib as f64 - self.before_kib as f64) / self.readers as f64
    }

    /// Kernel memory for each reader, of both ends of its connection.
    pub fn kernel_each_kib(&self) -> f64 {
        (self.kernel_held_kib as f64 - self.kernel_before_kib as f64) / self.readers as f64
    }

    fn longest_ms(&self) -> String {
        let longest = self
            .messages
            .iter()
            .map(|message| message.longest_us as f64);
        spread(longest).map_or("–".to_owned(), |it| milliseconds(it.median))
    }
}

impl Part for ScaleRun {
    const TITLE: &'static str = "Past one process";
    const FILE: &'static str = "limits-scale.json";
    const ROWS: &'static str = "groups";

    fn about(&mut self) -> &mut Provenance {
        &mut self.about
    }

    fn report(&self) -> String {
        let mut text = format!(
            "Several servers, with one worker each, share one {}, all on one core. The readers of one room are \
             spread evenly over the servers. The bench publishes a message when all readers have the previous one, \
             and each reader checks that every message comes once and in order. CPU is that of all servers and of \
             NATS. The kernel's memory is of both ends.\n\n\
             | servers | readers | CPU a delivery, µs | last reader served after, median | process memory, KiB each | kernel, KiB each |\n\
             |---|---|---|---|---|---|",
            self.nats
        );
        for group in &self.groups {
            text += &format!(
                "\n| {} | {} | {} | {} ms | {} | {} |",
                group.servers,
                count(group.readers as u64),
                spread::ratio(group.cpu_us()),
                group.longest_ms(),
                three_digits(group.each_kib()),
                three_digits(group.kernel_each_kib()),
            );
        }
        for group in &self.groups {
            let Some(moved) = &group.moved else { continue };
            text += &format!(
                "\n\nThen the bench killed one of the {} servers. Its {} readers moved to a new server, a hundred at \
                 a time. All were served after {} ms. Half of them waited at most {} ms for their answer, and none \
                 longer than {} ms. While they were disconnected, three messages were published; each reader got \
                 them from the new server, once and in order.",
                group.servers,
                count((group.readers / group.servers) as u64),
                three_digits(moved.all_ms),
                three_digits(moved.median_ms),
                three_digits(moved.longest_ms),
            );
        }
        text
    }
}
