//! The group under audit: servers on one log, each behind its own link, and the nodes of the store.

use std::{path::PathBuf, time::Duration};

use anyhow::Result;
use nix::sys::signal::Signal;
use tokio::{
    sync::Mutex,
    time::{sleep, timeout},
};

use crate::{
    fault_proxy::{FaultyProxy, Mutation},
    link::FaultyLink,
    process::{Process, free_addr},
    schedule::FaultKind,
};

const NATS_NODES: usize = 3;
/// The shortest time between the recovery of one node of the store and the next fault.
const RECOVERY_DELAY: Duration = Duration::from_secs(1);
/// The longest wait for that recovery.
const RECOVERY_TIMEOUT: Duration = Duration::from_secs(10);
/// The default name of the servers' stream.
const STREAM: &str = "chat";

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum StoreKind {
    /// One server on a file.
    Sqlite,
    /// Three servers on a cluster of three NATS nodes.
    Nats,
}

/// How a group is started.
pub struct GroupSetup {
    pub store: StoreKind,
    pub server: PathBuf,
    pub nats_server: PathBuf,
    /// Messages that the store keeps.
    pub retained: u64,
    pub seed: u64,
    /// Whether all nodes of the store are also killed at once.
    pub whole_cluster: bool,
    pub directory: PathBuf,
    /// The error of the servers, when testing the audit itself.
    pub mutation: Option<Mutation>,
}

/// The processes of a run, and the links to its servers.
pub struct ServerGroup {
    pub servers: Vec<Process>,
    pub stores: Vec<Process>,
    pub links: Vec<FaultyLink>,
    /// Held during a fault of a store's node, so that there is only one at a time.
    store_fault_lock: Mutex<()>,
}

impl GroupSetup {
    pub fn servers(&self) -> usize {
        match self.store {
            StoreKind::Sqlite => 1,
            StoreKind::Nats => 3,
        }
    }

    pub fn stores(&self) -> usize {
        match self.store {
            StoreKind::Sqlite => 0,
            StoreKind::Nats => NATS_NODES,
        }
    }

    /// Starts everything.
    pub async fn start(&self) -> Result<ServerGroup> {
        let stores = self.nats_nodes()?;
        for store in &stores {
            store.start().await?;
        }
        let store = match self.store {
            StoreKind::Sqlite => format!("sqlite:{}", self.directory.join("chat.db").display()),
            StoreKind::Nats => {
                let nodes: Vec<_> = stores.iter().map(|node| node.addr.to_string()).collect();
                format!("nats://{}", nodes.join(","))
            }
        };
        let mut group = ServerGroup {
            servers: Vec::new(),
            stores,
            links: Vec::new(),
            store_fault_lock: Mutex::new(()),
        };
        for number in 0..self.servers() {
            let server = self.server(number, &store)?;
            server.start().await?;
            let addr = match self.mutation {
                Some(how) => FaultyProxy::start(server.addr, how).await?,
                None => server.addr,
            };
            group
                .links
                .push(FaultyLink::start(addr, self.seed, number).await?);
            group.servers.push(server);
        }
        Ok(group)
    }

    fn server(&self, number: usize, store: &str) -> Result<Process> {
        let addr = free_addr()?;
        let args = [
            ("--bind", addr.to_string()),
            ("--store", store.to_owned()),
            ("--retain-messages", self.retained.to_string()),
            ("--retain-age", "off".to_owned()),
            ("--request-log", "off".to_owned()),
            ("--workers", "2".to_owned()),
            ("--drain", "1s".to_owned()),
        ];
        let mut args: Vec<String> = args
            .into_iter()
            .flat_map(|(flag, value)| [flag.to_owned(), value])
            .collect();
        if self.store == StoreKind::Nats {
            args.extend(["--nats-replicas".to_owned(), NATS_NODES.to_string()]);
            args.push("--wait-for-store".to_owned());
        }
        let name = format!("server-{number}");
        Ok(Process::new(
            name,
            addr,
            &self.server,
            args,
            &self.directory,
        ))
    }

    fn nats_nodes(&self) -> Result<Vec<Process>> {
        let nodes = self.stores();
        let clients: Vec<_> = (0..nodes).map(|_| free_addr()).collect::<Result<_, _>>()?;
        let routes: Vec<_> = (0..nodes).map(|_| free_addr()).collect::<Result<_, _>>()?;
        let urls: Vec<_> = routes.iter().map(|addr| format!("nats://{addr}")).collect();
        let urls = urls.join(",");
        let node = |number: usize| {
            let name = format!("nats-{number}");
            let store = self.directory.join(&name);
            let args = [
                ("--addr", "127.0.0.1".to_owned()),
                ("--port", clients[number].port().to_string()),
                ("--name", name.clone()),
                ("--store_dir", store.display().to_string()),
                ("--cluster_name", "audit".to_owned()),
                ("--cluster", format!("nats://{}", routes[number])),
                ("--routes", urls.clone()),
            ];
            let args = args
                .into_iter()
                .flat_map(|(flag, value)| [flag.to_owned(), value]);
            let args = args.chain(["--jetstream".to_owned()]);
            Process::new(
                name,
                clients[number],
                &self.nats_server,
                args,
                &self.directory,
            )
        };
        Ok((0..nodes).map(node).collect())
    }
}

impl ServerGroup {
    /// Injects a fault, and returns when it is over.
    pub async fn inject(&self, kind: FaultKind) -> Result<()> {
        match kind {
            FaultKind::KillServer(n, time) => self.servers[n].kill_for(time).await,
            FaultKind::TerminateServer(n, time) => self.servers[n].terminate_for(time).await,
            FaultKind::PauseServer(n, time) => self.servers[n].pause_for(time).await,
            FaultKind::CutLink(n) => {
                self.links[n].cut_all();
                Ok(())
            }
            FaultKind::LoseLink(n, time) => {
                self.links[n].refuse_for(time).await;
                Ok(())
            }
            FaultKind::SilenceLink(n, time) => {
                self.links[n].stall_for(time).await;
                Ok(())
            }
            FaultKind::KillStore(n, time) => {
                let _harming = self.store_fault_lock.lock().await;
                let killed = self.stores[n].kill_for(time).await;
                self.wait_for_recovery().await;
                killed
            }
            FaultKind::PauseStore(n, time) => {
                let _harming = self.store_fault_lock.lock().await;
                let paused = self.stores[n].pause_for(time).await;
                self.wait_for_recovery().await;
                paused
            }
            FaultKind::KillAllStores(time) => self.kill_all_stores(time).await,
        }
    }

    async fn kill_all_stores(&self, time: Duration) -> Result<()> {
        let _harming = self.store_fault_lock.lock().await;
        let kills = self.stores.iter().map(|store| store.kill_for(time));
        futures_util::future::try_join_all(kills).await.map(|_| ())
    }

    /// Waits until every node of the store has the whole stream.
    async fn wait_for_recovery(&self) {
        sleep(RECOVERY_DELAY).await;
        let whole = async {
            while !self.is_replicated().await.unwrap_or(false) {
                sleep(RECOVERY_DELAY / 10).await;
            }
        };
        // After the time-out, the next fault is injected anyway.
        let _ = timeout(RECOVERY_TIMEOUT, whole).await;
    }

    async fn is_replicated(&self) -> Result<bool> {
        let nodes: Vec<_> = self
            .stores
            .iter()
            .map(|node| node.addr.to_string())
            .collect();
        let client = async_nats::connect(nodes).await?;
        let stream = async_nats::jetstream::new(client)
            .get_stream(STREAM)
            .await?;
        let cluster = stream.cached_info().cluster.clone();
        Ok(cluster.is_some_and(|cluster| {
            let mut replicas = cluster.replicas.iter();
            cluster.leader.is_some() && replicas.all(|replica| replica.current && !replica.offline)
        }))
    }

    /// Stops the servers as an operator does, and then their store.
    pub async fn stop(&self) -> Result<()> {
        for server in &self.servers {
            server.stop(Signal::SIGTERM).await?;
        }
        for store in &self.stores {
            store.stop(Signal::SIGKILL).await?;
        }
        Ok(())
    }
}
