//! One run: one transport, once, from the first connection to the finished record.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use tokio::{
    sync::{Semaphore, watch},
    task::JoinSet,
    time::{Instant, sleep},
};

use super::{
    control::{Control, Progress},
    lag::Lag,
    limits,
    record::Record,
    sampler::Sampler,
};
use crate::{
    Outcome, Placement, Target, Transport, Workload,
    books::{marker::Marker, recorder::Recorder, window::Window},
    load::{
        client::{Client, Orders, Reading},
        publisher::Publisher,
    },
    target::{
        Opened,
        requests::{Asking, Opening, Place, Publishing},
    },
};

/// Clients that get into place at the same time. More would overflow the server's backlog.
const OPENING_AT_ONCE: usize = 128;
/// How often a waiting run looks around.
const LOOK: Duration = Duration::from_millis(20);
/// How often progress is told.
const TELL: Duration = Duration::from_millis(200);
/// What is under way is waited for as long as some of it arrives within this time...
const STILL: Duration = Duration::from_secs(3);
/// ... and not longer than this.
const LONGEST_ARRIVAL: Duration = Duration::from_secs(60);
/// After the last expected delivery, for a duplicate to show itself.
const AFTERMATH: Duration = Duration::from_millis(100);

/// Measures `transport` once. `round` is for the record only.
///
/// # Errors
///
/// Where nothing can be measured: the target is not reached, its profile does not fit, or there are
/// not enough descriptors. What goes wrong later is in the outcome.
pub async fn measure(
    target: &Target,
    workload: &Workload,
    transport: Transport,
    round: u32,
    placement: &Placement,
    control: &Control,
) -> Result<Outcome> {
    workload.check()?;
    limits::make_room(workload.clients)?;
    let opened = Arc::new(target.open(placement)?);
    let result = Run::new(&opened, workload, transport, control)?
        .measure(round, placement)
        .await;
    // Stopping the server takes a moment that the runtime has better uses for.
    let _ = tokio::task::spawn_blocking(move || drop(opened)).await;
    result
}

struct Run<'a> {
    opened: &'a Opened,
    workload: &'a Workload,
    transport: Transport,
    control: &'a Control,
    recorder: Arc<Recorder>,
    publishing: Arc<Publishing>,
    orders: Arc<Orders>,
}

impl<'a> Run<'a> {
    fn new(
        opened: &'a Opened,
        workload: &'a Workload,
        transport: Transport,
        control: &'a Control,
    ) -> Result<Self> {
        let id = limits::run_id()?;
        let marker = Marker::new(&id);
        let place = Place {
            host: opened.host.clone(),
            prefix: opened.prefix.clone(),
            room: format!("compare{id}"),
            wait_s: workload.wait.as_secs_f64(),
        };
        let profile = &opened.profile;
        let reading = match transport {
            Transport::Poll => Reading::Poll {
                asking: Asking::new(profile, transport, &place)?,
                interval: workload.interval,
                pace: workload.pace,
            },
            Transport::LongPoll => Reading::LongPoll {
                asking: Asking::new(profile, transport, &place)?,
                wait: workload.wait,
            },
            Transport::Stream => Reading::Stream(Opening::new(profile, &place)?),
        };
        let window = Window::new(
            workload.rate,
            workload.messages(),
            workload.warm_up(transport),
        );
        let publishing = Publishing::new(profile, &place, marker.clone(), workload.size);
        Ok(Self {
            opened,
            workload,
            transport,
            control,
            recorder: Recorder::new(window, marker),
            publishing: Arc::new(publishing),
            orders: Arc::new(Orders {
                addr: opened.addr,
                reading,
                clients: workload.clients,
            }),
        })
    }

    async fn measure(self, round: u32, placement: &Placement) -> Result<Outcome> {
        let memory_before = self.opened.processes.and_then(|all| all.memory_bytes());
        let (gate, at_gate) = watch::channel(None);
        let mut clients = self.place(&at_gate).await?;

        let window = &self.recorder.window;
        let begin = window.begin();
        let sampler = Sampler::start(&self.recorder, self.opened.processes);
        let publisher = Publisher::start(&self.recorder, self.opened.addr, &self.publishing);
        let lag = Lag::watch(self.recorder.clone());
        // Clients hold receivers as long as they live.
        let _ = gate.send(Some(begin));

        self.watch(&sampler).await;
        let lag = lag.end().await;
        self.arrive(&publisher).await;
        clients.abort_all();
        while clients.join_next().await.is_some() {}
        let (usage, published) = tokio::task::spawn_blocking(|| (sampler.join(), publisher.join()))
            .await
            .context("the sampler broke down")?;
        let record = Record {
            recorder: &self.recorder,
            transport: self.transport,
            round,
            published: &published,
            usage,
            memory_before,
            server_cores: self.opened.cores,
            load_cores: placement.load_cores(),
            lag_us_p99: lag,
            interrupted: self.control.is_stopped(),
        };
        record.outcome()
    }

    /// Starts the clients and waits until each is in place.
    async fn place(&self, gate: &watch::Receiver<Option<u64>>) -> Result<JoinSet<Result<()>>> {
        let total = self.workload.clients;
        let ready = Arc::new(AtomicUsize::new(0));
        let door = Arc::new(Semaphore::new(OPENING_AT_ONCE));
        let mut clients = JoinSet::new();
        for number in 0..total {
            let client = Client {
                number,
                orders: self.orders.clone(),
                books: self.recorder.books(number),
                gate: gate.clone(),
            };
            let (ready, door) = (ready.clone(), door.clone());
            clients.spawn(async move {
                let permit = door.acquire_owned().await?;
                client
                    .run(move || {
                        drop(permit);
                        ready.fetch_add(1, Relaxed);
                    })
                    .await
            });
        }
        loop {
            let count = ready.load(Relaxed);
            (self.control.tell)(Progress::Opening {
                ready: count,
                clients: total,
            });
            if count == total {
                return Ok(clients);
            }
            ensure!(
                !self.control.is_stopped(),
                "stopped before there was anything to measure"
            );
            tokio::select! {
                () = sleep(TELL.min(LOOK)) => {}
                Some(ended) = clients.join_next() => {
                    let error = match ended {
                        Ok(Ok(())) => continue,
                        Ok(Err(error)) => error,
                        Err(error) => error.into(),
                    };
                    bail!(
                        "only {count} of {total} {} clients got into place: {error:#}",
                        self.transport
                    );
                }
            }
        }
    }

    /// Waits for the end of the measured time, or ends it when asked to stop.
    async fn watch(&self, sampler: &Sampler) {
        let window = &self.recorder.window;
        let mut told = Instant::now();
        while !sampler.is_done() {
            if self.control.is_stopped() {
                window.cut();
            }
            if told.elapsed() >= TELL {
                told = Instant::now();
                let now = window.now_us();
                let elapsed_s = (now as f64 - window.start_us() as f64) / 1e6;
                (self.control.tell)(if elapsed_s < 0.0 {
                    Progress::WarmUp { left_s: -elapsed_s }
                } else {
                    Progress::Measuring {
                        elapsed_s: elapsed_s.min(window.measured_s()),
                        total_s: window.measured_s(),
                        deliveries: self.recorder.deliveries(),
                    }
                });
            }
            sleep(LOOK).await;
        }
    }

    /// Waits for what is under way.
    async fn arrive(&self, publisher: &Publisher) {
        let counted = self.recorder.window.counted();
        let expected = (counted.end - counted.start) * self.workload.clients as u64;
        let still = match self.transport {
            Transport::Poll => STILL + self.workload.interval,
            Transport::LongPoll | Transport::Stream => STILL,
        };
        let begin = Instant::now();
        let mut before = self.recorder.deliveries();
        let mut moved = begin;
        loop {
            let deliveries = self.recorder.deliveries();
            if deliveries > before {
                (before, moved) = (deliveries, Instant::now());
            }
            let is_over = deliveries >= expected || moved.elapsed() > still;
            if (is_over && publisher.is_done()) || begin.elapsed() > LONGEST_ARRIVAL {
                break;
            }
            let lacking = expected.saturating_sub(deliveries);
            (self.control.tell)(Progress::Arriving { lacking });
            sleep(LOOK).await;
        }
        sleep(AFTERMATH).await;
    }
}
