//! One run: one transport, once, from the first connection to the finished record.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use parking_lot::Mutex;
use tokio::{
    sync::{Semaphore, watch},
    task::JoinSet,
    time::{Instant, sleep},
};

use super::{
    absent,
    drain::Drain,
    lag::Lag,
    limits, peaks,
    record::{Record, deliveries_due},
    restart::PendingRestart,
    run_control::{Progress, RunControl, STOPPED},
    sampler::Sampler,
    sampling::Sampling,
    stalled_memory,
};
use crate::{
    CpuPinning, LoadScenario, RunResult, Target, Transport, Workload,
    load::{
        client::{Client, SharedRunState, TransportOptions},
        publisher::Publisher,
    },
    machine::server_processes::ServerProcesses,
    recording::{message_tag::MessageTag, recorder::RunRecorder, schedule::Schedule},
    target::{
        RunTarget,
        requests::{PollRequest, PublishRequest, RequestContext, RoomPublishing, StreamRequest},
    },
};

/// The most clients that connect at the same time. More would overflow the server's backlog.
const CONNECT_CONCURRENCY: usize = 128;
/// How often a waiting run polls its condition.
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// How often progress is reported.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(200);

/// Measures `transport` once. `round` is for the record only.
///
/// # Errors
///
/// If nothing can be measured: the target cannot be reached, its profile does not match, or there are not enough
/// descriptors. Later failures are in the result.
pub async fn measure(
    target: &Target,
    workload: &Workload,
    transport: Transport,
    round: u32,
    pinning: &CpuPinning,
    control: &RunControl,
) -> Result<RunResult> {
    workload.check()?;
    limits::raise_fd_limit(workload.all_clients())?;
    let opened = Arc::new(target.open_for(pinning, workload.scenario)?);
    let result = Measurement::new(&opened, workload, transport, control)?
        .measure(round, pinning)
        .await;
    // Stopping the server takes a moment, and would block the runtime.
    let _ = tokio::task::spawn_blocking(move || drop(opened)).await;
    result
}

/// The transport options of the clients of one room.
fn reading(
    opened: &RunTarget,
    workload: &Workload,
    transport: Transport,
    place: &RequestContext,
) -> Result<TransportOptions> {
    let profile = &opened.profile;
    Ok(match transport {
        Transport::Poll => TransportOptions::Poll {
            poll_request: PollRequest::new(profile, transport, place)?,
            interval: workload.interval,
            pace: workload.pace,
            new_connections: workload.new_connections,
        },
        Transport::LongPoll => TransportOptions::LongPoll {
            poll_request: PollRequest::new(profile, transport, place)?,
            wait: workload.wait,
        },
        Transport::Stream => TransportOptions::Stream(StreamRequest::new(profile, place)?),
    })
}

struct Measurement<'a> {
    opened: &'a Arc<RunTarget>,
    workload: &'a Workload,
    transport: Transport,
    control: &'a RunControl,
    recorder: Arc<RunRecorder>,
    publishing: Arc<RoomPublishing>,
    /// One for each room.
    shared: Vec<Arc<SharedRunState>>,
}

impl<'a> Measurement<'a> {
    fn new(
        opened: &'a Arc<RunTarget>,
        workload: &'a Workload,
        transport: Transport,
        control: &'a RunControl,
    ) -> Result<Self> {
        let id = limits::run_id()?;
        let tag = MessageTag::new(&id);
        let profile = &opened.profile;
        let mut publishing = Vec::new();
        let mut shared = Vec::new();
        for room in 0..workload.rooms {
            let place = RequestContext {
                host: opened.endpoint.authority.clone(),
                prefix: opened.prefix.clone(),
                room: match workload.rooms {
                    1 => format!("compare{id}"),
                    _ => format!("compare{id}{room}"),
                },
                wait_s: workload.wait.as_secs_f64(),
                head: workload.head,
                cookie_bytes: workload.cookie_bytes,
            };
            publishing.push(PublishRequest::new(
                profile,
                &place,
                tag.clone(),
                workload.size,
            )?);
            shared.push(Arc::new(SharedRunState {
                endpoint: opened.endpoint.clone(),
                reading: reading(opened, workload, transport, &place)?,
            }));
        }
        let schedule = Schedule::new(
            workload.rate,
            workload.messages(),
            workload.warm_up(transport),
        );
        Ok(Self {
            opened,
            workload,
            transport,
            control,
            recorder: RunRecorder::new(schedule, tag),
            publishing: Arc::new(RoomPublishing(publishing)),
            shared,
        })
    }

    async fn measure(self, round: u32, pinning: &CpuPinning) -> Result<RunResult> {
        let processes = self.opened.processes.as_ref();
        let memory_before = processes.and_then(ServerProcesses::memory_bytes);
        let (start, at_gate) = watch::channel(None);
        let cpu_time = || processes.and_then(|all| all.snapshot().cpu_time());
        let cpu_before = cpu_time();
        let is_herd = self.workload.scenario == LoadScenario::Herd;
        let herd = is_herd.then(|| peaks::sample(&self.recorder, processes.cloned()));
        let begin_opening = Instant::now();
        let placed = Arc::new(Mutex::new(Vec::new()));
        let mut clients = self.place(&at_gate, begin_opening, &placed).await?;
        let mut highest = herd.map(Sampling::stop);
        let opening = begin_opening.elapsed();
        let opening_cpu = cpu_time()
            .zip(cpu_before)
            .map(|(after, before)| after.saturating_sub(before));

        let length = self.workload.warm_up(self.transport) + self.workload.measured();
        let memory = processes.filter(|_| self.workload.stalled > 0);
        let memory = memory.map(|all| stalled_memory::sample(all.clone(), length));
        let (shared, control) = (&self.shared, self.control);
        let stalled = absent::stall(shared, self.workload.stalled, control).await?;
        let vanished =
            absent::vanish(shared, &self.recorder, self.workload.vanish, control).await?;
        let schedule = &self.recorder.schedule;
        let begin = schedule.begin();
        let sampler = Sampler::start(&self.recorder, processes.cloned());
        let is_restarted = self.workload.scenario == LoadScenario::Restart;
        let restart = is_restarted.then(|| PendingRestart::schedule(self.opened, &self.recorder));
        let publisher = Publisher::start(&self.recorder, &self.opened.endpoint, &self.publishing);
        let lag = Lag::watch(self.recorder.clone());
        // Clients hold receivers as long as they live.
        let _ = start.send(Some(begin));

        self.watch(&sampler).await;
        let lag = lag.end().await;
        let drain = Drain {
            recorder: &self.recorder,
            publisher: &publisher,
            control: self.control,
            expected: self.deliveries_due(),
            interval: self.interval(),
        };
        let pending_from_us = drain.wait().await;
        if let Some(restart) = restart {
            highest = restart.end().await?;
        }
        let stalled_memory = memory.map(Sampling::stop).unwrap_or_default();
        drop(stalled);
        clients.abort_all();
        while clients.join_next().await.is_some() {}
        let vanished = match vanished {
            Some(vanished) => Some(vanished.watch(self.control).await),
            None => None,
        };
        let (usage, published) = tokio::task::spawn_blocking(|| (sampler.join(), publisher.join()))
            .await
            .context("the sampler panicked")?;
        let record = Record {
            recorder: &self.recorder,
            transport: self.transport,
            rooms: self.workload.rooms,
            interval: self.interval(),
            pending_from_us,
            round,
            published: &published,
            usage,
            memory_before,
            server_cores: self.opened.cores,
            load_cores: pinning.load_cores(),
            lag_us_p99: lag,
            interrupted: self.control.is_stopped(),
            opening_cpu,
            opening,
            placed_s: match is_herd {
                true => std::mem::take(&mut *placed.lock()),
                false => Vec::new(),
            },
            peaks: highest,
            vanished,
            stalled_memory,
        };
        record.outcome()
    }

    /// Starts the clients, waits until all are connected, and records when each was, since `begin`.
    async fn place(
        &self,
        start: &watch::Receiver<Option<u64>>,
        begin: Instant,
        placed_s: &Arc<Mutex<Vec<f64>>>,
    ) -> Result<JoinSet<Result<()>>> {
        let total = self.workload.clients;
        let ready = Arc::new(AtomicUsize::new(0));
        let door = Arc::new(Semaphore::new(match self.workload.scenario {
            LoadScenario::Steady | LoadScenario::Restart => CONNECT_CONCURRENCY,
            LoadScenario::Herd => total,
        }));
        let mut clients = JoinSet::new();
        for number in 0..total {
            let client = Client {
                number,
                shared: self.shared[number % self.shared.len()].clone(),
                recorder: self.recorder.client_of(number, self.shared.len()),
                start: start.clone(),
            };
            let (ready, door, placed_s) = (ready.clone(), door.clone(), placed_s.clone());
            clients.spawn(async move {
                let permit = door.acquire_owned().await?;
                client
                    .run(move || {
                        drop(permit);
                        placed_s.lock().push(begin.elapsed().as_secs_f64());
                        ready.fetch_add(1, Relaxed);
                    })
                    .await
            });
        }
        loop {
            let count = ready.load(Relaxed);
            (self.control.on_progress)(Progress::Opening {
                ready: count,
                clients: total,
            });
            if count == total {
                return Ok(clients);
            }
            ensure!(!self.control.is_stopped(), STOPPED);
            tokio::select! {
                () = sleep(PROGRESS_INTERVAL.min(POLL_INTERVAL)) => {}
                Some(ended) = clients.join_next() => {
                    let error = match ended {
                        Ok(Ok(())) => continue,
                        Ok(Err(error)) => error,
                        Err(error) => error.into(),
                    };
                    bail!(
                        "only {count} of {total} {} clients connected and got their first answer: {error:#}",
                        self.transport
                    );
                }
            }
        }
    }

    /// Waits for the end of the measured time, or ends it when asked to stop.
    async fn watch(&self, sampler: &Sampler) {
        let schedule = &self.recorder.schedule;
        let mut reported = Instant::now();
        while !sampler.is_done() {
            if self.control.is_stopped() {
                schedule.cut();
            }
            if reported.elapsed() >= PROGRESS_INTERVAL {
                reported = Instant::now();
                let now = schedule.now_us();
                let elapsed_s = (now as f64 - schedule.start_us() as f64) / 1e6;
                (self.control.on_progress)(if elapsed_s < 0.0 {
                    Progress::WarmUp { left_s: -elapsed_s }
                } else {
                    Progress::Measuring {
                        elapsed_s: elapsed_s.min(schedule.measured_s()),
                        total_s: schedule.measured_s(),
                        deliveries: self.recorder.deliveries(),
                    }
                });
            }
            sleep(POLL_INTERVAL).await;
        }
    }

    /// The deliveries of the messages that count.
    fn deliveries_due(&self) -> u64 {
        let counted = self.recorder.schedule.counted();
        let Workload { clients, rooms, .. } = self.workload;
        deliveries_due(counted, *clients as u64, *rooms as u64)
    }

    /// How long a message may wait for a poll; zero for the other transports.
    fn interval(&self) -> Duration {
        match self.transport {
            Transport::Poll => self.workload.interval,
            Transport::LongPoll | Transport::Stream => Duration::ZERO,
        }
    }
}
