//! The network between clients and a server. It can cut a connection at any byte, cut all of them, refuse new ones, or
//! hold all bytes back.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use socket2::SockRef;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpSocket, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{Notify, watch},
};

use crate::rng::Rng;

/// The link's buffers for a connection. They are small, so that a client that does not read soon blocks the server.
const BUFFER: u32 = 8 * 1024;
/// One in this many connections is cut at random, after fewer than `MAX_CUT_BYTES` bytes of the answers.
const CUT_ONE_IN: usize = 6;
const MAX_CUT_BYTES: usize = 40_000;

/// A TCP proxy between clients and one server.
pub struct FaultyLink {
    pub addr: SocketAddr,
    shared: Arc<LinkState>,
}

struct LinkState {
    server: SocketAddr,
    seed: u64,
    /// Tells every connection that it is cut.
    cut: Notify,
    refusing: AtomicBool,
    silent: watch::Sender<bool>,
    connections: AtomicUsize,
    /// Connections that were cut at a byte.
    cuts: AtomicU64,
    /// Whether connections are cut at random.
    is_cutting: AtomicBool,
}

impl FaultyLink {
    pub async fn start(server: SocketAddr, seed: u64, number: usize) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let addr = listener.local_addr()?;
        let shared = Arc::new(LinkState {
            server,
            seed: Rng::from_seed(seed, "link", number).next(),
            cut: Notify::new(),
            refusing: AtomicBool::new(false),
            silent: watch::Sender::new(false),
            connections: AtomicUsize::new(0),
            cuts: AtomicU64::new(0),
            is_cutting: AtomicBool::new(true),
        });
        let accepting = shared.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if !accepting.refusing.load(Relaxed) {
                    tokio::spawn(accepting.clone().serve(client));
                }
            }
        });
        Ok(Self { addr, shared })
    }

    pub fn cut_all(&self) {
        self.shared.cut.notify_waiters();
    }

    /// Refuses connections and cuts the open ones, for the time `during`.
    pub async fn refuse_for(&self, during: Duration) {
        self.shared.refusing.store(true, Relaxed);
        self.cut_all();
        tokio::time::sleep(during).await;
        self.shared.refusing.store(false, Relaxed);
    }

    /// Holds all bytes back for the time `during`; they arrive afterwards.
    pub async fn stall_for(&self, during: Duration) {
        self.shared.silent.send_replace(true);
        tokio::time::sleep(during).await;
        self.shared.silent.send_replace(false);
    }

    /// Cuts no further connections at random.
    pub fn stop_cutting(&self) {
        self.shared.is_cutting.store(false, Relaxed);
    }

    /// Connections that were cut at some byte.
    pub fn cuts(&self) -> u64 {
        self.shared.cuts.load(Relaxed)
    }
}

impl LinkState {
    async fn serve(self: Arc<Self>, client: TcpStream) -> io::Result<()> {
        let number = self.connections.fetch_add(1, Relaxed);
        let mut rng = Rng::from_seed(self.seed, "connection", number);
        let dies = self.is_cutting.load(Relaxed) && rng.once_in(CUT_ONE_IN);
        let budget = dies.then(|| rng.below(MAX_CUT_BYTES));
        let rudely = rng.once_in(2);
        // Created before connecting to the server, so that no cut is missed.
        let cut = self.cut.notified();
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(BUFFER)?;
        let server = socket.connect(self.server).await?;
        let _ = SockRef::from(&client).set_send_buffer_size(BUFFER as usize);
        for socket in [&client, &server] {
            socket.set_nodelay(true)?;
            if rudely {
                SockRef::from(socket).set_linger(Some(Duration::ZERO))?;
            }
        }
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        tokio::select! {
            () = cut => {}
            () = self.carry(from_client, to_server, None) => {}
            () = self.carry(from_server, to_client, budget) => {}
        }
        Ok(())
    }

    /// Copies bytes in one direction until either end closes, or until `budget` bytes have passed.
    async fn carry(
        &self,
        mut from: OwnedReadHalf,
        mut to: OwnedWriteHalf,
        mut budget: Option<usize>,
    ) {
        let mut silent = self.silent.subscribe();
        let mut bytes = [0; 4096];
        loop {
            let Ok(n @ 1..) = from.read(&mut bytes).await else {
                return;
            };
            if silent.wait_for(|silent| !silent).await.is_err() {
                return;
            }
            let passing = budget.map_or(n, |budget| budget.min(n));
            if to.write_all(&bytes[..passing]).await.is_err() {
                return;
            }
            if let Some(budget) = &mut budget {
                *budget -= passing;
                if *budget == 0 {
                    self.cuts.fetch_add(1, Relaxed);
                    return;
                }
            }
        }
    }
}
