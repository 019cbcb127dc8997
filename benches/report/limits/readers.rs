//! The memory of a waiting reader, and the cost of a herd.

use serde::{Deserialize, Serialize};

use super::super::number::{count, target_verdict, three_digits};
use super::super::part::Part;
use super::super::provenance::Provenance;
use super::super::spread::{self, Spread, spread};
use super::peers::{self, DURABLE_STREAMS, NCHAN, PUSHPIN, Peer};

/// The results of a run.
#[derive(Debug, Serialize, Deserialize)]
pub struct ReadersRun {
    pub about: Provenance,
    #[serde(default)]
    pub peers: Vec<Peer>,
    pub readers: usize,
    pub rows: Vec<ReaderMemory>,
}

/// A server under test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServerKind {
    /// A bare loop that accepts, reads a request, answers with a head, and keeps the connection.
    Floor,
    /// This project's server with its accelerator.
    Accelerator,
    /// This project's server without its accelerator.
    OrdinaryWay,
    Nchan,
    Pushpin,
    DurableStreams,
}

/// How the readers read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReaderKind {
    Stream,
    /// A waiting long-poll.
    LongPoll,
    /// A kept-alive connection between two polls.
    Poller,
}

/// The order in which readers connect and send their requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConnectOrder {
    /// In batches, each after the one before is served.
    InTurn,
    /// All connect, then all send their requests before the first answer is read.
    Herd,
}

/// The memory of one fresh server with its readers.
#[derive(Debug, Serialize, Deserialize)]
pub struct ReaderMemory {
    pub subject: ServerKind,
    pub kind: ReaderKind,
    pub arrival: ConnectOrder,
    pub repeat: usize,
    /// Readers that got an error as an answer, or whose connection was closed.
    #[serde(default)]
    pub refused: usize,
    /// Proportional set size before the readers connected, with them, and after all had left.
    pub before_kib: u64,
    pub held_kib: u64,
    pub after_kib: u64,
    /// The kernel's slabs and TCP buffers of the whole machine, so of both ends of each connection.
    pub kernel_before_kib: u64,
    pub kernel_held_kib: u64,
    pub served: Option<FirstByteTimes>,
}

/// Times to the first byte of the answers.
#[derive(Debug, Serialize, Deserialize)]
pub struct FirstByteTimes {
    /// From the first connection to the last answer.
    pub all_ms: f64,
    /// From a client's request to its answer.
    pub median_ms: f64,
    pub longest_ms: f64,
}

impl ServerKind {
    pub const ALL: [Self; 6] = [
        Self::Floor,
        Self::Accelerator,
        Self::OrdinaryWay,
        Self::Nchan,
        Self::Pushpin,
        Self::DurableStreams,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Floor => "bare loop",
            Self::Accelerator => "poll-vs-sse",
            Self::OrdinaryWay => "poll-vs-sse, the ordinary way",
            Self::Nchan => NCHAN,
            Self::Pushpin => PUSHPIN,
            Self::DurableStreams => DURABLE_STREAMS,
        }
    }
}

impl ReaderKind {
    pub const ALL: [Self; 3] = [Self::Stream, Self::LongPoll, Self::Poller];

    fn name(self) -> &'static str {
        match self {
            Self::Stream => "idle stream",
            Self::LongPoll => "waiting long-poll",
            Self::Poller => "idle poller",
        }
    }

    /// The highest KiB of process memory for each reader.
    fn target_kib(self) -> f64 {
        match self {
            Self::Stream => 0.6,
            Self::LongPoll | Self::Poller => 1.0,
        }
    }
}

/// The most MiB that may remain after all readers have left.
const LEFT_TARGET_MIB: f64 = 12.0;
/// The longest time until a herd is served, relative to that of the bare loop.
const HERD_TARGET: f64 = 1.3;

impl ReadersRun {
    fn rows_of(
        &self,
        (subject, kind, arrival): (ServerKind, ReaderKind, ConnectOrder),
    ) -> impl Iterator<Item = &ReaderMemory> {
        self.rows
            .iter()
            .filter(move |row| row.subject == subject && row.kind == kind && row.arrival == arrival)
    }

    /// The same without measurements in which readers were refused.
    fn served_rows(
        &self,
        subject: ServerKind,
        kind: ReaderKind,
        arrival: ConnectOrder,
    ) -> impl Iterator<Item = &ReaderMemory> {
        let all = self.rows_of((subject, kind, arrival));
        all.filter(|row| row.refused == 0)
    }

    /// A cell with the memory of each reader, or with the number of refused readers.
    fn each_cell(&self, of: (ServerKind, ReaderKind, ConnectOrder)) -> String {
        let refused = self.rows_of(of).map(|row| row.refused).max();
        match (self.each_kib(of), refused) {
            (None, Some(refused)) => format!("– ({} were refused)", count(refused as u64)),
            (each, _) => spread::ratio(each),
        }
    }

    fn spread(
        &self,
        (subject, kind, arrival): (ServerKind, ReaderKind, ConnectOrder),
        figure: impl Fn(&ReaderMemory) -> f64,
    ) -> Option<Spread> {
        spread(self.served_rows(subject, kind, arrival).map(figure))
    }

    /// Process memory for each reader.
    pub fn each_kib(&self, of: (ServerKind, ReaderKind, ConnectOrder)) -> Option<Spread> {
        let readers = self.readers as f64;
        self.spread(of, |row| {
            (row.held_kib as f64 - row.before_kib as f64) / readers
        })
    }

    fn left_mib(&self, of: (ServerKind, ReaderKind, ConnectOrder)) -> Option<Spread> {
        self.spread(of, |row| {
            (row.after_kib as f64 - row.before_kib as f64) / 1024.0
        })
    }

    fn kernel_kib(&self, of: (ServerKind, ReaderKind, ConnectOrder)) -> Option<Spread> {
        let readers = self.readers as f64;
        self.spread(of, |row| {
            (row.kernel_held_kib as f64 - row.kernel_before_kib as f64) / readers
        })
    }

    /// The time until a herd is served, relative to the bare loop's in the same repeat.
    fn herd_ratio(&self, subject: ServerKind) -> Option<Spread> {
        let all_ms = |row: &ReaderMemory| row.served.as_ref().map(|served| served.all_ms);
        let rows = self.served_rows(subject, ReaderKind::Stream, ConnectOrder::Herd);
        spread(rows.filter_map(|row| {
            let mut floors =
                self.served_rows(ServerKind::Floor, ReaderKind::Stream, ConnectOrder::Herd);
            let floor = floors.find(|floor| floor.repeat == row.repeat)?;
            Some(all_ms(row)? / all_ms(floor)?)
        }))
    }
}

impl Part for ReadersRun {
    const TITLE: &'static str = "Waiting readers and herds";
    const FILE: &'static str = "limits-readers.json";
    const ROWS: &'static str = "rows";

    fn about(&mut self) -> &mut Provenance {
        &mut self.about
    }

    fn report(&self) -> String {
        [memory(self), herds(self), targets(self)].join("\n\n")
    }
}

fn memory(run: &ReadersRun) -> String {
    let mut text = format!(
        "{} readers use one server with one worker and a store in memory. The memory of a reader is the growth of \
         the process's proportional set size. In a herd, all readers connect, then all send their requests, before \
         the first answer is read. The kernel's memory is its slabs and TCP buffers, of both ends, because both are \
         on this machine. {}\n\n\
         | server | reader | KiB each, in turn | KiB each, as a herd | MiB left after a herd | kernel, KiB each |\n\
         |---|---|---|---|---|---|",
        count(run.readers as u64),
        peers::sentence(&run.peers)
    );
    for subject in ServerKind::ALL {
        for kind in ReaderKind::ALL {
            let (in_turn, herd) = (
                (subject, kind, ConnectOrder::InTurn),
                (subject, kind, ConnectOrder::Herd),
            );
            if run.rows_of(in_turn).next().is_none() {
                continue;
            }
            text += &format!(
                "\n| {} | {} | {} | {} | {} | {} |",
                subject.name(),
                kind.name(),
                run.each_cell(in_turn),
                run.each_cell(herd),
                spread::ratio(run.left_mib(herd)),
                spread::ratio(run.kernel_kib(in_turn)),
            );
        }
    }
    text
}

fn herds(run: &ReadersRun) -> String {
    let mut text = "The next table shows how long a herd of streams waits. *All served* is the time from the first \
                    connection until the last reader has the beginning of its answer; the waits run from a client's \
                    request to its answer.\n\n\
                    | server | all served | against the bare loop | median wait | longest over median |\n|---|---|---|---|---|"
        .to_owned();
    for subject in ServerKind::ALL {
        let of = (subject, ReaderKind::Stream, ConnectOrder::Herd);
        let served = |figure: fn(&FirstByteTimes) -> f64| {
            let rows = run.served_rows(of.0, of.1, of.2);
            spread(rows.filter_map(|row| row.served.as_ref().map(figure)))
        };
        let Some(all) = served(|served| served.all_ms) else {
            continue;
        };
        let median = served(|served| served.median_ms).map_or(0.0, |it| it.median);
        let longest = served(|served| served.longest_ms / served.median_ms);
        text += &format!(
            "\n| {} | {} ms | {} | {} ms | {} |",
            subject.name(),
            three_digits(all.median),
            spread::ratio(run.herd_ratio(subject)),
            three_digits(median),
            spread::ratio(longest),
        );
    }
    text
}

fn targets(run: &ReadersRun) -> String {
    let ours = ServerKind::Accelerator;
    let verdict = |what: &str, figure: f64, unit: &str, target: f64| {
        let outcome = target_verdict(figure <= target);
        format!(
            "- {what}: {}{unit}, target at most {target}{unit}: {outcome}",
            three_digits(figure)
        )
    };
    let mut lines = vec!["Against the targets, with the accelerator:\n".to_owned()];
    for kind in ReaderKind::ALL {
        if let Some(each) = run.each_kib((ours, kind, ConnectOrder::InTurn)) {
            lines.push(verdict(kind.name(), each.median, " KiB", kind.target_kib()));
        }
        let herd = run.each_kib((ours, kind, ConnectOrder::Herd));
        if let (Some(herd), Some(each)) = (herd, run.each_kib((ours, kind, ConnectOrder::InTurn))) {
            let what = format!("memory of one {} in a herd over one in turn", kind.name());
            lines.push(verdict(&what, herd.median / each.median, "", 1.2));
        }
        if let Some(left) = run.left_mib((ours, kind, ConnectOrder::Herd)) {
            let what = format!("memory left after a herd, {}", kind.name());
            lines.push(verdict(&what, left.max, " MiB", LEFT_TARGET_MIB));
        }
    }
    if let Some(ratio) = run.herd_ratio(ours) {
        lines.push(verdict(
            "time until a herd of streams is served, over the bare loop",
            ratio.median,
            "",
            HERD_TARGET,
        ));
    }
    lines.join("\n")
}
