//! Before a foreign server is measured: does it do what its profile says? Two messages are published
//! and read by each transport, so that a wrong path or cursor is one clear sentence instead of a run in
//! which everything is missed.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tokio::time::{Instant, sleep, timeout};

use super::{
    Target, Transport, Workload,
    asker::Asker,
    limits,
    marker::Marker,
    placement::Placement,
    publisher::Connection,
    recorder::Recorder,
    requests::{Asking, Opening, Place, Publishing},
    stream::Streamer,
    target::Opened,
    window::Window,
};

/// How long a message may take to show up.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two polls for it.
const PAUSE: Duration = Duration::from_millis(100);
/// What a long-poll is asked to wait here.
const WAIT_S: f64 = 2.0;
const MESSAGES: u64 = 2;

/// Tries each transport of `workload` on `target`. Returns what the server calls itself.
///
/// # Errors
///
/// Says which part of the profile does not fit, in one sentence.
pub async fn preflight(target: &Target, workload: &Workload) -> Result<Option<String>> {
    let opened = target.open(&Placement::free())?;
    let mut server = None;
    for transport in &workload.transports {
        let trying = Trial::new(&opened, workload, *transport)?;
        server = trying.run(*transport).await?;
    }
    Ok(server)
}

struct Trial<'a> {
    opened: &'a Opened,
    place: Place,
    recorder: std::sync::Arc<Recorder>,
    publishing: Publishing,
    connection: Connection,
}

impl<'a> Trial<'a> {
    fn new(opened: &'a Opened, workload: &Workload, transport: Transport) -> Result<Self> {
        let id = limits::run_id()?;
        let marker = Marker::new(&id);
        let place = Place {
            host: opened.host.clone(),
            prefix: opened.prefix.clone(),
            room: format!("try{id}"),
            wait_s: match transport {
                Transport::LongPoll => WAIT_S,
                _ => workload.wait.as_secs_f64(),
            },
        };
        // Never begun: everything that comes is only noted down.
        let window = Window::new(1.0, MESSAGES, Duration::ZERO);
        let publishing = Publishing::new(&opened.profile, &place, marker.clone(), workload.size);
        Ok(Self {
            opened,
            place,
            recorder: Recorder::new(window, marker, 1),
            publishing,
            connection: Connection::new(opened.addr),
        })
    }

    async fn run(mut self, transport: Transport) -> Result<Option<String>> {
        match transport {
            Transport::Stream => self.stream().await?,
            _ => self.ask(transport).await?,
        }
        Ok(self.connection.server)
    }

    fn publish(&mut self, sequence: u64) -> Result<()> {
        let path = &self.opened.profile.publish.path;
        let request = self.publishing.request(sequence);
        let sent = tokio::task::block_in_place(|| self.connection.send(&request));
        sent.with_context(|| format!("cannot publish to {} at {path}", self.opened.addr))
    }

    async fn ask(&mut self, transport: Transport) -> Result<()> {
        let asking = Asking::new(&self.opened.profile, transport, &self.place)?;
        let books = self.recorder.books(0);
        let mut asker = Asker::new(self.opened.addr, &asking, PATIENCE, books);
        let failed = || format!("{transport} of {}", self.opened.profile.name);
        asker.open().await.with_context(failed)?;
        for sequence in 0..MESSAGES {
            self.publish(sequence)?;
            let deadline = Instant::now() + PATIENCE;
            while asker.books().first_deliveries() <= sequence {
                ensure!(
                    Instant::now() < deadline,
                    "the {transport} answers do not hold the message that was published: correct \
                     [{transport}] path, or its cursor, in profile {}",
                    self.opened.profile.name
                );
                asker.try_ask().await.with_context(failed)?;
                sleep(PAUSE).await;
            }
        }
        asker.try_ask().await.with_context(failed)?;
        ensure!(
            asker.books().repetitions() == 0,
            "the {transport} answers bring the same message again: correct the cursor of \
             [{transport}] in profile {}",
            self.opened.profile.name
        );
        Ok(())
    }

    async fn stream(&mut self) -> Result<()> {
        let opening = Opening::new(&self.opened.profile, &self.place)?;
        let mut streamer = Streamer::new(self.opened.addr, &opening, self.recorder.books(0));
        let failed = || format!("stream of {}", self.opened.profile.name);
        streamer.open().await.with_context(failed)?;
        for sequence in 0..MESSAGES {
            self.publish(sequence)?;
            let waiting = streamer.read_until(|books| books.first_deliveries() > sequence);
            let came = timeout(PATIENCE, waiting).await;
            came.with_context(|| {
                let name = &self.opened.profile.name;
                format!("the stream does not bring the message that was published: correct [stream] path in profile {name}")
            })?
            .with_context(failed)?;
        }
        Ok(())
    }
}
