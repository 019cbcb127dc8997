//! The publisher: sends each message when it is due, even if earlier ones are not yet acknowledged.
//!
//! It has its own threads, so that it keeps its times while ten thousand clients keep the runtime busy. One thread
//! waits until the next message is due; it then passes the waiting on to another thread, and sends. So there is one
//! thread more than the most messages that were ever in flight at the same time. If even [`MAX_IN_FLIGHT`] are not
//! enough, messages wait, and the run no longer has the requested workload.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread::JoinHandle,
    time::Duration,
};

use anyhow::{Result, bail};
use parking_lot::Mutex;

use super::publish_connection::PublishConnection;
use crate::{
    http::endpoint::Endpoint, recording::recorder::RunRecorder,
    recording::run_result::PublishStats as Summary, target::requests::RoomPublishing,
};

/// The most unanswered messages at the same time, which limits the connections of this program.
pub const MAX_IN_FLIGHT: usize = 64;
/// Messages still unsent this long after the measured time are given up.
const GRACE_US: u64 = 15_000_000;
/// Longest sleep at once, so that a run that is cut ends soon.
const SLEEP_SLICE: Duration = Duration::from_millis(50);
/// A run that sent less than this share of the messages due within its measured time is suspect.
const MIN_RATE_SHARE: f64 = 0.95;
/// A suspect run had another workload if this program was this far behind at its end, or if the server held messages
/// back.
const MAX_LAG_S: f64 = 1.0;

/// The running threads.
pub struct Publisher {
    pool: Arc<PublisherPool>,
}

/// The messages that were not accepted, and how well the rate was kept.
#[derive(Debug, Default)]
pub struct PublishResult {
    /// The messages that the server did not accept, or may not have accepted.
    pub refused: Vec<u64>,
    /// The same during a restart of the server.
    pub refused_away: Vec<u64>,
    pub first_error: Option<String>,
    summary: Summary,
}

impl Publisher {
    /// Starts to publish. The window has begun.
    pub fn start(
        recorder: &Arc<RunRecorder>,
        endpoint: &Endpoint,
        publishing: &Arc<RoomPublishing>,
    ) -> Self {
        let pool = Arc::new(PublisherPool {
            recorder: recorder.clone(),
            publishing: publishing.clone(),
            endpoint: endpoint.clone(),
            next: Mutex::new(0),
            waiting: AtomicUsize::new(0),
            idle: Mutex::default(),
            published: Mutex::default(),
            threads: Mutex::default(),
        });
        pool.start_thread();
        Self { pool }
    }

    pub fn is_done(&self) -> bool {
        self.pool.threads.lock().iter().all(JoinHandle::is_finished)
    }

    /// Waits for the end.
    pub fn join(self) -> PublishResult {
        let mut broke_down = false;
        loop {
            // A thread that starts another adds it to the list before it ends.
            let Some(thread) = self.pool.threads.lock().pop() else {
                break;
            };
            broke_down |= thread.join().is_err();
        }
        let mut published = std::mem::take(&mut *self.pool.published.lock());
        if broke_down {
            let why = "a thread of the publisher panicked".to_owned();
            published.first_error.get_or_insert(why);
        }
        published.summary.fell_short = self.pool.is_behind(&published.summary);
        published
    }
}

impl PublishResult {
    pub fn summary(&self) -> Summary {
        Summary {
            refused: self.refused.len() as u64,
            ..self.summary
        }
    }
}

/// What all threads share.
struct PublisherPool {
    recorder: Arc<RunRecorder>,
    publishing: Arc<RoomPublishing>,
    endpoint: Endpoint,
    /// The next message. The thread that holds the lock waits until it is due.
    next: Mutex<u64>,
    /// Idle threads, without the one that holds `next`.
    waiting: AtomicUsize,
    /// Idle connections, with the most recently used on top, so that as few as possible are in use.
    idle: Mutex<Vec<PublishConnection>>,
    published: Mutex<PublishResult>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl PublisherPool {
    fn start_thread(self: &Arc<Self>) {
        let mut threads = self.threads.lock();
        if threads.len() < MAX_IN_FLIGHT {
            let pool = self.clone();
            threads.push(std::thread::spawn(move || pool.send_until_done()));
        }
    }

    fn send_until_done(self: &Arc<Self>) {
        while let Some(sequence) = self.wait_until_due() {
            let popped = self.idle.lock().pop();
            let mut connection = popped.unwrap_or_else(|| PublishConnection::new(&self.endpoint));
            let sent_us = self.recorder.schedule.now_us();
            if let Err(error) = self.send(sequence, &mut connection) {
                let is_away = self.recorder.restart.is_away(sent_us)
                    || self
                        .recorder
                        .restart
                        .is_away(self.recorder.schedule.now_us());
                let mut published = self.published.lock();
                if is_away {
                    published.refused_away.push(sequence);
                    connection = PublishConnection::new(&self.endpoint);
                    self.idle.lock().push(connection);
                    continue;
                }
                published.refused.push(sequence);
                let why = || format!("publishing: {error:#}");
                published.first_error.get_or_insert_with(why);
            }
            self.idle.lock().push(connection);
        }
    }

    /// Waits until the next message is due. `None` if there are no more.
    fn wait_until_due(self: &Arc<Self>) -> Option<u64> {
        let schedule = &self.recorder.schedule;
        let free_since = schedule.now_us();
        self.waiting.fetch_add(1, SeqCst);
        let mut next = self.next.lock();
        let others = self.waiting.fetch_sub(1, SeqCst) - 1;
        let sequence = *next;
        let due = schedule.due_us(sequence);
        let is_left = || sequence < schedule.messages() && due < schedule.end_us();
        if !is_left() {
            return None;
        }
        if others == 0 {
            self.start_thread();
        }
        while schedule.now_us() < due && is_left() {
            let left = Duration::from_micros(due.saturating_sub(schedule.now_us()));
            std::thread::sleep(left.min(SLEEP_SLICE));
        }
        if !is_left() {
            return None;
        }
        *next += 1;
        let was_full = others == 0 && self.threads.lock().len() == MAX_IN_FLIGHT;
        self.record_send(sequence, due, was_full && free_since > due);
        Some(sequence)
    }

    /// Records that message `sequence`, which was due at `due`, is sent now.
    fn record_send(&self, sequence: u64, due: u64, was_held_back: bool) {
        let schedule = &self.recorder.schedule;
        let now = schedule.now_us();
        let summary = &mut self.published.lock().summary;
        summary.late_us_max = summary.late_us_max.max(now.saturating_sub(due));
        summary.held_back += u64::from(was_held_back);
        summary.in_time += u64::from(schedule.counts(sequence) && now < schedule.end_us());
    }

    fn send(&self, sequence: u64, connection: &mut PublishConnection) -> Result<()> {
        let RunRecorder {
            schedule, order, ..
        } = &*self.recorder;
        if schedule.now_us() > schedule.end_us() + GRACE_US {
            bail!("publishing took too long");
        }
        order.send(sequence);
        connection.send(self.publishing.request(sequence)?)?;
        order.acknowledge(sequence);
        Ok(())
    }

    /// Whether the published workload differs from the requested one.
    fn is_behind(&self, summary: &Summary) -> bool {
        let schedule = &self.recorder.schedule;
        let counted = schedule.counted();
        let due = (counted.end - counted.start) as f64;
        let lacking = due - summary.in_time as f64;
        let a_while = MAX_LAG_S * due / schedule.measured_s();
        (summary.in_time as f64) < MIN_RATE_SHARE * due
            && (summary.held_back > 0 || lacking > a_while)
    }
}
