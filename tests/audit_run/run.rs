//! One run, from the first process to the last message read.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep, sleep_until, timeout},
};

use crate::{
    group::{GroupSetup, ServerGroup},
    http::Connection,
    publisher::Publisher,
    reader::{Reader, ReaderBehaviour},
    record::{MessageName, ReaderRecord, Transport, TransportVerdict},
    schedule::{ScheduledFault, schedule},
    state::{END_TIMEOUT, Phase, ROOMS, SharedState, message},
};

const PUBLISHERS: u32 = 12;
/// Long enough for retention to overtake a reader.
const LONG_STALL: Duration = Duration::from_secs(12);

/// The settings of a run.
pub struct AuditPlan {
    pub setup: GroupSetup,
    pub length: Duration,
    /// Messages a second.
    pub rate: u32,
}

/// The result of a run.
pub struct AuditResult {
    pub setup: GroupSetup,
    pub length: Duration,
    pub verdicts: BTreeMap<Transport, TransportVerdict>,
    pub injected: BTreeMap<&'static str, usize>,
    pub acknowledged: usize,
    pub refused: usize,
    pub twice: u64,
    pub overwritten: u64,
    /// Messages whose outcome their publisher never learned.
    pub unanswered: u64,
    pub problems: usize,
    pub state: Arc<SharedState>,
    /// Connections that the links cut at some byte.
    pub cuts: u64,
}

impl AuditResult {
    pub fn is_clean(&self) -> bool {
        let total =
            |figure: fn(&TransportVerdict) -> u64| self.verdicts.values().map(figure).sum::<u64>();
        total(TransportVerdict::faults) == 0
            && self.twice == 0
            && self.overwritten == 0
            && self.unanswered == 0
            && self.problems == 0
            && self.unseen() == 0
            && self.visibility_checks() > 0
            && self.verdicts.values().all(|verdict| verdict.delivered > 0)
    }

    /// Reads that began after the 201 of a message, at the server that sent it.
    pub fn visibility_checks(&self) -> u64 {
        self.state.counters.visibility_checks.load(Relaxed)
    }

    /// Reads of these that did not see the message.
    pub fn unseen(&self) -> u64 {
        self.state.counters.unseen.load(Relaxed)
    }
}

impl AuditPlan {
    /// The faults to inject.
    pub fn faults(&self) -> Vec<ScheduledFault> {
        let setup = &self.setup;
        let sizes = (setup.servers(), setup.stores());
        schedule(setup.seed, self.length, sizes, setup.whole_cluster)
    }

    pub async fn run(self, faults: Vec<ScheduledFault>) -> Result<AuditResult> {
        let setup = &self.setup;
        let group = Arc::new(setup.start().await?);
        let fronts = group.links.iter().map(|link| link.addr).collect();
        let state = Arc::new(SharedState::new(setup.seed, fronts, setup.retained));
        let readers = spawn_readers(&state, &group).await?;
        let pace = Duration::from_secs(1) * PUBLISHERS / self.rate;
        let publishers: Vec<JoinHandle<u64>> = (0..PUBLISHERS)
            .map(|number| tokio::spawn(Publisher::new(state.clone(), number, pace).run()))
            .collect();

        inject(&faults, self.length, &group, &state).await;
        state.set_phase(Phase::Finishing);
        for link in &group.links {
            link.stop_cutting();
        }
        let mut unanswered = 0;
        for publisher in publishers {
            unanswered += publisher.await?;
        }
        state.set_phase(Phase::CatchingUp);
        let mut verdicts = BTreeMap::<Transport, TransportVerdict>::new();
        for reader in readers {
            let record = timeout(END_TIMEOUT * 2, reader)
                .await
                .context("a reader did not end")??;
            let verdict = state.published().audit(&record);
            verdicts.entry(record.transport).or_default().add(verdict);
        }
        for transport in Transport::ALL {
            let verdict = verdicts.entry(transport).or_default();
            for room in 0..ROOMS {
                let log = read_room(&state, transport, room).await?;
                verdict.gone += state.published().gone(room, &log);
            }
        }
        if let Err(error) = group.stop().await {
            state.report_problem(format!("{error:#}"));
        }
        check_for_panics(&group, &state);
        let (acknowledged, refused, twice, overwritten) = {
            let published = state.published();
            (
                published.acknowledged(),
                published.refused(),
                published.twice(),
                published.overwritten(),
            )
        };
        let mut injected = BTreeMap::new();
        for fault in &faults {
            *injected.entry(fault.kind.name()).or_default() += 1;
        }
        Ok(AuditResult {
            length: self.length,
            verdicts,
            injected,
            acknowledged,
            refused,
            twice,
            overwritten,
            unanswered,
            problems: state.problems(),
            cuts: group.links.iter().map(crate::link::FaultyLink::cuts).sum(),
            state,
            setup: self.setup,
        })
    }
}

/// Starts a reader of every behaviour on every transport in every room.
async fn spawn_readers(
    state: &Arc<SharedState>,
    group: &ServerGroup,
) -> Result<Vec<JoinHandle<ReaderRecord>>> {
    let mut beginnings = Vec::new();
    for room in 0..ROOMS {
        let target = format!("/poll?room={}&last=0", SharedState::room(room));
        let page = poll_page(group.servers[0].addr, &target).await?;
        let cursor = page["cursor"].as_str().context("a cursor")?.to_owned();
        beginnings.push((room, cursor));
    }
    let mut readers = Vec::new();
    for transport in Transport::ALL {
        for behaviour in ReaderBehaviour::ALL {
            for beginning in &beginnings {
                let number = readers.len();
                let beginning = beginning.clone();
                let reader = Reader::new(
                    state.clone(),
                    transport,
                    behaviour,
                    number,
                    beginning,
                    LONG_STALL,
                );
                readers.push(tokio::spawn(reader.run()));
            }
        }
    }
    Ok(readers)
}

/// Injects each fault at its time. Returns when all are over and `length` has passed.
async fn inject(
    faults: &[ScheduledFault],
    length: Duration,
    group: &Arc<ServerGroup>,
    state: &Arc<SharedState>,
) {
    let began = Instant::now();
    let mut suffering = Vec::new();
    for fault in faults {
        sleep_until(began + fault.at).await;
        let (group, state, what) = (group.clone(), state.clone(), fault.kind);
        suffering.push(tokio::spawn(async move {
            if let Err(error) = group.inject(what).await {
                state.report_problem(format!("{error:#}"));
            }
        }));
    }
    for fault in suffering {
        if fault.await.is_err() {
            state.report_problem("a fault panicked".to_owned());
        }
    }
    sleep_until(began + length).await;
}

async fn poll_page(addr: std::net::SocketAddr, target: &str) -> Result<Value> {
    let request = format!("GET {target} HTTP/1.1\r\nHost: audit\r\n\r\n");
    let deadline = Instant::now() + END_TIMEOUT;
    loop {
        let answer = async {
            Connection::open(addr)
                .await?
                .request(&request, END_TIMEOUT)
                .await
        };
        match answer.await {
            Ok(answer) if answer.status == 200 => return Ok(serde_json::from_slice(&answer.body)?),
            // The server may have just been started.
            _ if Instant::now() < deadline => sleep(Duration::from_millis(100)).await,
            Ok(answer) => bail!("{target} got {}", answer.status),
            Err(error) => return Err(error).context(format!("no answer to {target}")),
        }
    }
}

/// All retained messages of a room, read from the beginning over one transport.
async fn read_room(
    state: &SharedState,
    transport: Transport,
    room: usize,
) -> Result<Vec<(u64, MessageName)>> {
    let addr = state.fronts[room % state.fronts.len()];
    let name = SharedState::room(room);
    let newest = state.published().newest(room);
    let mut log = Vec::new();
    // A cursor of an unknown log, so that reading begins with the oldest retained message.
    let mut cursor = "0-0".to_owned();
    let mut connection = match transport {
        Transport::Stream => {
            let mut connection = Connection::open(addr).await?;
            let request =
                format!("GET /stream?room={name}&cursor={cursor} HTTP/1.0\r\nHost: audit\r\n\r\n");
            connection.request_stream(&request, END_TIMEOUT).await?;
            Some(connection)
        }
        _ => None,
    };
    let deadline = Instant::now() + END_TIMEOUT;
    while log.last().is_none_or(|(id, _)| *id < newest) && Instant::now() < deadline {
        if let Some(connection) = &mut connection {
            let frame = timeout(END_TIMEOUT, connection.next_frame()).await??;
            let json = frame
                .strip_prefix("id: ")
                .and_then(|f| f.split_once("\ndata: "));
            if let Some((_, json)) = json {
                log.extend(message(&serde_json::from_str(json)?));
            }
        } else {
            let wait = if transport == Transport::LongPoll {
                "&wait=5"
            } else {
                ""
            };
            let target = format!("/poll?room={name}&limit=1000&cursor={cursor}{wait}");
            let page = poll_page(addr, &target).await?;
            let messages = page["messages"].as_array().context("messages")?;
            log.extend(messages.iter().filter_map(message));
            page["cursor"]
                .as_str()
                .context("a cursor")?
                .clone_into(&mut cursor);
        }
    }
    Ok(log)
}

fn check_for_panics(group: &ServerGroup, state: &SharedState) {
    for server in &group.servers {
        for line in server.output().lines() {
            if line.contains("panicked") {
                state.report_problem(format!("{}: {line}", server.name));
            }
        }
    }
}
