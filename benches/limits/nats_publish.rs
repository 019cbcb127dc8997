//! Publishing to JetStream, through this project's server and with NATS's own client. Both wait for the
//! acknowledgement.

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::LimitsPlan;
use super::nats_client::NatsClient;
use super::publish::{PUBLISHERS, SLICES_PER_ROUND, publish_sizes};
use super::publishers::HttpPublishers;
use super::report::limits::nats_publish::{
    CLIENT_NATS, DelayQuantiles, NatsPublishRun, OUR_NATS, OURS, PublishMeasurement,
};
use super::report::provenance::Provenance;
use super::rounds::{self, Contender, Work};
use super::servers::{self, OwnServer};
use super::side_with_nats::SideWithNats;

pub fn run(plan: &LimitsPlan<'_>, about: Provenance) -> Result<NatsPublishRun> {
    let nats = servers::nats_version().context("nats-server is not installed")?;
    let rows = PUBLISHERS.into_iter().map(|count| measure(plan, count));
    Ok(NatsPublishRun {
        about,
        nats,
        rows: rows.collect::<Result<_>>()?,
    })
}

fn measure(plan: &LimitsPlan<'_>, publishers: usize) -> Result<PublishMeasurement> {
    let directory = TempDir::new()?;
    let core = plan.setup.core();
    // Each side has its own NATS server, so that the CPU time of NATS can be attributed to a side.
    let nats = |name: &str| {
        let nats = servers::nats("nats-server", &directory.path().join(name), core)?;
        let address = format!("nats://{}", nats.address);
        Ok::<_, anyhow::Error>((nats, address))
    };
    let (client_nats, address) = nats("client")?;
    let client = NatsClient::start(&address, publishers, core)?;
    let (our_nats, store) = nats("ours")?;
    let server = OwnServer {
        store: &store,
        ..OwnServer::default()
    };
    let ours = server.start(OURS, &plan.setup.binary, core)?;
    let ours = HttpPublishers::open(OURS, ours, publishers, plan.setup.may_spin())?;
    let mut sides = [
        SideWithNats::new(NatsSide::Client(client), Some(client_nats)),
        SideWithNats::new(NatsSide::Ours(Box::new(ours)), Some(our_nats)),
    ];
    let amounts = publish_sizes(plan, publishers);
    let mut rounds = rounds::run_alternating(&mut sides, amounts)?;
    let mut of_nats = Vec::new();
    for (side, name) in sides.iter().zip([CLIENT_NATS, OUR_NATS]) {
        of_nats.extend(side.nats_rounds(&rounds, SLICES_PER_ROUND, name));
    }
    rounds.extend(of_nats);
    let delays = sides.iter_mut().map(|side| side.side.delays());
    Ok(PublishMeasurement {
        publishers,
        messages_a_round: amounts.per_round,
        delays: delays.collect::<Result<_>>()?,
        rounds,
    })
}

/// One side: NATS's own client, or publishers to this project's server.
enum NatsSide {
    Client(NatsClient),
    Ours(Box<HttpPublishers>),
}

impl NatsSide {
    fn delays(&mut self) -> Result<DelayQuantiles> {
        match self {
            Self::Client(client) => client.delays(),
            Self::Ours(publishers) => Ok(DelayQuantiles::from_histogram(OURS, publishers.delays())),
        }
    }

    fn side(&self) -> &dyn Contender {
        match self {
            Self::Client(client) => client,
            Self::Ours(publishers) => &**publishers,
        }
    }

    fn side_mut(&mut self) -> &mut dyn Contender {
        match self {
            Self::Client(client) => client,
            Self::Ours(publishers) => &mut **publishers,
        }
    }
}

impl Contender for NatsSide {
    fn name(&self) -> &str {
        self.side().name()
    }

    fn pids(&self) -> Vec<i32> {
        self.side().pids()
    }

    fn warm_up(&mut self) -> Result<()> {
        self.side_mut().warm_up()
    }

    fn work(&mut self, amount: u64) -> Result<Work> {
        self.side_mut().work(amount)
    }

    fn units_expected(&self, amount: u64) -> u64 {
        self.side().units_expected(amount)
    }
}
