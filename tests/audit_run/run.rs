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
    group::{Group, Setup},
    http::Connection,
    publisher::Publisher,
    reader::{Reader, ReaderBehaviour},
    record::{Name, Record, Transport, Verdict},
    schedule::{Fault, schedule},
    world::{END_WITHIN, Phase, ROOMS, World, message},
};

const PUBLISHERS: u32 = 12;
/// Longer than what the store retains lasts.
const LONG_STALL: Duration = Duration::from_secs(12);

pub struct Plan {
    pub setup: Setup,
    pub length: Duration,
    /// Messages a second.
    pub rate: u32,
}

/// What came of a run.
pub struct Outcome {
    pub setup: Setup,
    pub length: Duration,
    pub verdicts: BTreeMap<Transport, Verdict>,
    pub injected: BTreeMap<&'static str, usize>,
    pub acknowledged: usize,
    pub refused: usize,
    pub twice: u64,
    pub overwritten: u64,
    /// Messages whose fate their publisher never learnt.
    pub unanswered: u64,
    pub complaints: usize,
    pub world: Arc<World>,
    /// Connections that the links cut at some byte.
    pub cuts: u64,
}

impl Outcome {
    pub fn is_sound(&self) -> bool {
        let total = |figure: fn(&Verdict) -> u64| self.verdicts.values().map(figure).sum::<u64>();
        total(Verdict::faults) == 0
            && self.twice == 0
            && self.overwritten == 0
            && self.unanswered == 0
            && self.complaints == 0
            && self.unseen() == 0
            && self.looks() > 0
            && self.verdicts.values().all(|verdict| verdict.delivered > 0)
    }

    /// Reads at the same server that began after the 201 of a message, and found where it was to be.
    pub fn looks(&self) -> u64 {
        self.world.tally.looks.load(Relaxed)
    }

    /// Those that did not see it.
    pub fn unseen(&self) -> u64 {
        self.world.tally.unseen.load(Relaxed)
    }
}

impl Plan {
    /// What is to go wrong.
    pub fn faults(&self) -> Vec<Fault> {
        let setup = &self.setup;
        let sizes = (setup.servers(), setup.stores());
        schedule(setup.seed, self.length, sizes, setup.whole_cluster)
    }

    pub async fn run(self, faults: Vec<Fault>) -> Result<Outcome> {
        let setup = &self.setup;
        let group = Arc::new(setup.start().await?);
        let fronts = group.links.iter().map(|link| link.addr).collect();
        let world = Arc::new(World::new(setup.seed, fronts, setup.retained));
        let readers = spawn_readers(&world, &group).await?;
        let pace = Duration::from_secs(1) * PUBLISHERS / self.rate;
        let publishers: Vec<JoinHandle<u64>> = (0..PUBLISHERS)
            .map(|number| tokio::spawn(Publisher::new(world.clone(), number, pace).run()))
            .collect();

        inject(&faults, self.length, &group, &world).await;
        world.enter(Phase::Finishing);
        for link in &group.links {
            link.mend();
        }
        let mut unanswered = 0;
        for publisher in publishers {
            unanswered += publisher.await?;
        }
        world.enter(Phase::CatchingUp);
        let mut verdicts = BTreeMap::<Transport, Verdict>::new();
        for reader in readers {
            let record = timeout(END_WITHIN * 2, reader)
                .await
                .context("a reader hangs")??;
            let verdict = world.published().judge(&record);
            verdicts.entry(record.transport).or_default().add(verdict);
        }
        for transport in Transport::ALL {
            let verdict = verdicts.entry(transport).or_default();
            for room in 0..ROOMS {
                let log = whole_room(&world, transport, room).await?;
                verdict.gone += world.published().gone(room, &log);
            }
        }
        if let Err(error) = group.stop().await {
            world.complain(format!("{error:#}"));
        }
        look_for_panics(&group, &world);
        let (acknowledged, refused, twice, overwritten) = {
            let published = world.published();
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
        Ok(Outcome {
            length: self.length,
            verdicts,
            injected,
            acknowledged,
            refused,
            twice,
            overwritten,
            unanswered,
            complaints: world.complaints(),
            cuts: group.links.iter().map(crate::link::Link::cuts).sum(),
            world,
            setup: self.setup,
        })
    }
}

/// On every transport, of every manner, in every room.
async fn spawn_readers(world: &Arc<World>, group: &Group) -> Result<Vec<JoinHandle<Record>>> {
    let mut beginnings = Vec::new();
    for room in 0..ROOMS {
        let target = format!("/poll?room={}&last=0", World::room(room));
        let page = page(group.servers[0].addr, &target).await?;
        let cursor = page["cursor"].as_str().context("a cursor")?.to_owned();
        beginnings.push((room, cursor));
    }
    let mut readers = Vec::new();
    for transport in Transport::ALL {
        for manner in ReaderBehaviour::ALL {
            for beginning in &beginnings {
                let number = readers.len();
                let beginning = beginning.clone();
                let reader = Reader::new(
                    world.clone(),
                    transport,
                    manner,
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

/// Lets everything go wrong in its time; returns when that and the last of it are over.
async fn inject(faults: &[Fault], length: Duration, group: &Arc<Group>, world: &Arc<World>) {
    let began = Instant::now();
    let mut suffering = Vec::new();
    for fault in faults {
        sleep_until(began + fault.at).await;
        let (group, world, what) = (group.clone(), world.clone(), fault.kind);
        suffering.push(tokio::spawn(async move {
            if let Err(error) = group.suffer(what).await {
                world.complain(format!("{error:#}"));
            }
        }));
    }
    for fault in suffering {
        if fault.await.is_err() {
            world.complain("a fault panicked".to_owned());
        }
    }
    sleep_until(began + length).await;
}

async fn page(addr: std::net::SocketAddr, target: &str) -> Result<Value> {
    let request = format!("GET {target} HTTP/1.1\r\nHost: audit\r\n\r\n");
    let deadline = Instant::now() + END_WITHIN;
    loop {
        let answer = async {
            Connection::open(addr)
                .await?
                .ask(&request, END_WITHIN)
                .await
        };
        match answer.await {
            Ok(answer) if answer.status == 200 => return Ok(serde_json::from_slice(&answer.body)?),
            // It may just have been started.
            _ if Instant::now() < deadline => sleep(Duration::from_millis(100)).await,
            Ok(answer) => bail!("{target} got {}", answer.status),
            Err(error) => return Err(error).context(format!("no answer to {target}")),
        }
    }
}

/// All that is retained of a room, read anew over one transport.
async fn whole_room(world: &World, transport: Transport, room: usize) -> Result<Vec<(u64, Name)>> {
    let addr = world.fronts[room % world.fronts.len()];
    let name = World::room(room);
    let newest = world.published().newest(room);
    let mut log = Vec::new();
    // A cursor of no log: reading begins with the oldest message that is retained.
    let mut cursor = "0-0".to_owned();
    let mut connection = match transport {
        Transport::Stream => {
            let mut connection = Connection::open(addr).await?;
            let request =
                format!("GET /stream?room={name}&cursor={cursor} HTTP/1.0\r\nHost: audit\r\n\r\n");
            connection.ask_stream(&request, END_WITHIN).await?;
            Some(connection)
        }
        _ => None,
    };
    let deadline = Instant::now() + END_WITHIN;
    while log.last().is_none_or(|(id, _)| *id < newest) && Instant::now() < deadline {
        if let Some(connection) = &mut connection {
            let frame = timeout(END_WITHIN, connection.frame()).await??;
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
            let page = page(addr, &target).await?;
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

fn look_for_panics(group: &Group, world: &World) {
    for server in &group.servers {
        for line in server.output().lines() {
            if line.contains("panicked") {
                world.complain(format!("{}: {line}", server.name));
            }
        }
    }
}
