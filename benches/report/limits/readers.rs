//! What a waiting reader holds, and what a herd costs.

use serde::{Deserialize, Serialize};

use super::super::number::{count, outcome, three};
use super::super::part::Part;
use super::super::provenance::Provenance;
use super::super::spread::{self, Spread, spread};
use super::peers::{self, DURABLE_STREAMS, NCHAN, PUSHPIN, Peer};

/// All that was measured.
#[derive(Debug, Serialize, Deserialize)]
pub struct Readers {
    pub about: Provenance,
    #[serde(default)]
    pub peers: Vec<Peer>,
    pub readers: usize,
    pub rows: Vec<Holding>,
}

/// A server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// A bare loop that accepts, reads a request, answers with a head, and keeps the connection.
    Floor,
    /// This project's, plain reads over the accelerator.
    Accelerator,
    /// This project's, every request over actix-web.
    OrdinaryWay,
    Nchan,
    Pushpin,
    DurableStreams,
}

/// What the readers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Stream,
    /// A long-poll that waits.
    LongPoll,
    /// A kept-alive connection between two polls.
    Poller,
}

/// How they came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Arrival {
    /// Fifty at a time, the next when the last are served.
    InTurn,
    /// All connect, then all ask, before the first answer is read.
    Herd,
}

/// One fresh server with its readers.
#[derive(Debug, Serialize, Deserialize)]
pub struct Holding {
    pub subject: Subject,
    pub kind: Kind,
    pub arrival: Arrival,
    pub repeat: usize,
    /// Readers that were answered with an error, or whose connection was closed.
    #[serde(default)]
    pub refused: usize,
    /// Proportional set size before they came, with them, and when all had gone.
    pub before_kib: u64,
    pub held_kib: u64,
    pub after_kib: u64,
    /// The kernel's slabs and TCP buffers, of the whole machine and so of both ends.
    pub kernel_before_kib: u64,
    pub kernel_held_kib: u64,
    pub served: Option<Served>,
}

/// How long it took until they had the beginning of their answers.
#[derive(Debug, Serialize, Deserialize)]
pub struct Served {
    /// From the first connection to the last answer.
    pub all_ms: f64,
    /// From a client's request to its answer.
    pub median_ms: f64,
    pub longest_ms: f64,
}

impl Subject {
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

impl Kind {
    pub const ALL: [Self; 3] = [Self::Stream, Self::LongPoll, Self::Poller];

    fn name(self) -> &'static str {
        match self {
            Self::Stream => "idle stream",
            Self::LongPoll => "waiting long-poll",
            Self::Poller => "idle poller",
        }
    }

    /// KiB of process memory that the project wants to stay below.
    fn target_kib(self) -> f64 {
        match self {
            Self::Stream => 0.6,
            Self::LongPoll | Self::Poller => 1.0,
        }
    }
}

/// MiB that may be left when all have gone.
const LEFT_TARGET_MIB: f64 = 12.0;
/// Time until a herd is served, over that of the bare loop.
const HERD_TARGET: f64 = 1.3;

impl Readers {
    fn all_of(
        &self,
        (subject, kind, arrival): (Subject, Kind, Arrival),
    ) -> impl Iterator<Item = &Holding> {
        self.rows
            .iter()
            .filter(move |row| row.subject == subject && row.kind == kind && row.arrival == arrival)
    }

    /// Those whose readers were all served.
    fn of(&self, subject: Subject, kind: Kind, arrival: Arrival) -> impl Iterator<Item = &Holding> {
        let all = self.all_of((subject, kind, arrival));
        all.filter(|row| row.refused == 0)
    }

    /// A cell for what readers hold each, or for how many were refused.
    fn each_cell(&self, of: (Subject, Kind, Arrival)) -> String {
        let refused = self.all_of(of).map(|row| row.refused).max();
        match (self.each_kib(of), refused) {
            (None, Some(refused)) => format!("– ({} were refused)", count(refused as u64)),
            (each, _) => spread::ratio(each),
        }
    }

    fn spread_of(
        &self,
        (subject, kind, arrival): (Subject, Kind, Arrival),
        figure: impl Fn(&Holding) -> f64,
    ) -> Option<Spread> {
        spread(self.of(subject, kind, arrival).map(figure))
    }

    fn each_kib(&self, of: (Subject, Kind, Arrival)) -> Option<Spread> {
        let readers = self.readers as f64;
        self.spread_of(of, |row| {
            (row.held_kib as f64 - row.before_kib as f64) / readers
        })
    }

    fn left_mib(&self, of: (Subject, Kind, Arrival)) -> Option<Spread> {
        self.spread_of(of, |row| {
            (row.after_kib as f64 - row.before_kib as f64) / 1024.0
        })
    }

    fn kernel_kib(&self, of: (Subject, Kind, Arrival)) -> Option<Spread> {
        let readers = self.readers as f64;
        self.spread_of(of, |row| {
            (row.kernel_held_kib as f64 - row.kernel_before_kib as f64) / readers
        })
    }

    /// The time until a herd is served over the bare loop's in the same repeat.
    fn herd_ratio(&self, subject: Subject) -> Option<Spread> {
        let all_ms = |row: &Holding| row.served.as_ref().map(|served| served.all_ms);
        let rows = self.of(subject, Kind::Stream, Arrival::Herd);
        spread(rows.filter_map(|row| {
            let mut floors = self.of(Subject::Floor, Kind::Stream, Arrival::Herd);
            let floor = floors.find(|floor| floor.repeat == row.repeat)?;
            Some(all_ms(row)? / all_ms(floor)?)
        }))
    }
}

impl Part for Readers {
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

fn memory(run: &Readers) -> String {
    let mut text = format!(
        "{} readers of one server with one worker and a store in memory. What a reader holds is the growth of the \
         process's proportional set size. In a herd all connect, then all ask, before the first answer is read. The \
         kernel's share is its slabs and TCP buffers, of both ends, since both are on this machine. {}\n\n\
         | server | reader | KiB each, in turn | KiB each, as a herd | MiB left by a herd that has gone | kernel, KiB each |\n\
         |---|---|---|---|---|---|",
        count(run.readers as u64),
        peers::sentence(&run.peers)
    );
    for subject in Subject::ALL {
        for kind in Kind::ALL {
            let (in_turn, herd) = (
                (subject, kind, Arrival::InTurn),
                (subject, kind, Arrival::Herd),
            );
            if run.all_of(in_turn).next().is_none() {
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

fn herds(run: &Readers) -> String {
    let mut text = "How long a herd of streams waits, from its first connection until the last has the beginning of its answer, \
                    and from a client's request to its answer:\n\n\
                    | server | all served | against the bare loop | median wait | longest over median |\n|---|---|---|---|---|"
        .to_owned();
    for subject in Subject::ALL {
        let of = (subject, Kind::Stream, Arrival::Herd);
        let served = |figure: fn(&Served) -> f64| {
            let rows = run.of(of.0, of.1, of.2);
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
            three(all.median),
            spread::ratio(run.herd_ratio(subject)),
            three(median),
            spread::ratio(longest),
        );
    }
    text
}

fn targets(run: &Readers) -> String {
    let ours = Subject::Accelerator;
    let verdict = |what: &str, figure: f64, unit: &str, target: f64| {
        let outcome = outcome(figure <= target);
        format!(
            "- {what}: {}{unit}, target at most {target}{unit}: {outcome}",
            three(figure)
        )
    };
    let mut lines = vec!["Against the targets, with the accelerator:\n".to_owned()];
    for kind in Kind::ALL {
        if let Some(each) = run.each_kib((ours, kind, Arrival::InTurn)) {
            lines.push(verdict(kind.name(), each.median, " KiB", kind.target_kib()));
        }
        let herd = run.each_kib((ours, kind, Arrival::Herd));
        if let (Some(herd), Some(each)) = (herd, run.each_kib((ours, kind, Arrival::InTurn))) {
            let what = format!("{} of a herd over one in turn", kind.name());
            lines.push(verdict(&what, herd.median / each.median, "", 1.2));
        }
        if let Some(left) = run.left_mib((ours, kind, Arrival::Herd)) {
            let what = format!("left by a herd, {}", kind.name());
            lines.push(verdict(&what, left.max, " MiB", LEFT_TARGET_MIB));
        }
    }
    if let Some(ratio) = run.herd_ratio(ours) {
        lines.push(verdict(
            "a herd of streams served, over the bare loop",
            ratio.median,
            "",
            HERD_TARGET,
        ));
    }
    lines.join("\n")
}
