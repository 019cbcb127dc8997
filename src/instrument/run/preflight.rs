//! Checks another server before it is measured: does it behave as its profile says? Two messages are published and
//! read by each transport, so that a wrong path or cursor leads to one clear sentence instead of a run in which every
//! message is missed.

use std::time::Duration;

use anyhow::{Error, Result, anyhow, bail, ensure};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::limits;
use crate::{
    Target, Transport, Workload,
    http::error::{
        CompressedAnswer, HeadTooLarge, NotAnEventStream, Timeout, TlsFailure, UnexpectedStatus,
        WrongProtocol,
    },
    load::{poll_client::PollClient, publish_connection::PublishConnection, sse_client::SseClient},
    machine::cpu_pinning::CpuPinning,
    recording::{message_tag::MessageTag, recorder::RunRecorder, schedule::Schedule},
    target::{
        RunTarget,
        requests::{PollRequest, PublishRequest, RequestContext, StreamRequest},
    },
};

/// How long a message may take to arrive.
const PREFLIGHT_TIMEOUT: Duration = Duration::from_secs(5);
/// The pause between two polls for it.
const PAUSE: Duration = Duration::from_millis(100);
/// The wait of the long-polls here, in seconds.
const WAIT_S: f64 = 1.0;
/// How long to wait for an answer without a message.
const QUIESCENCE: Duration = Duration::from_millis(1500);
const MESSAGES: u64 = 2;

/// Tries each transport of `workload` on `target`. Returns the server's `Server` header.
///
/// # Errors
///
/// One sentence that says which part of the profile does not match the server.
pub async fn preflight(target: &Target, workload: &Workload) -> Result<Option<String>> {
    let opened = target.open(&CpuPinning::free())?;
    let mut server = None;
    for transport in &workload.transports {
        let trying = Preflight::new(&opened, workload, *transport)?;
        server = trying.run(*transport).await?;
    }
    Ok(server)
}

struct Preflight<'a> {
    opened: &'a RunTarget,
    place: RequestContext,
    recorder: std::sync::Arc<RunRecorder>,
    publishing: PublishRequest,
    connection: PublishConnection,
}

impl<'a> Preflight<'a> {
    fn new(opened: &'a RunTarget, workload: &Workload, transport: Transport) -> Result<Self> {
        let id = limits::run_id()?;
        let tag = MessageTag::new(&id);
        let place = RequestContext {
            host: opened.endpoint.authority.clone(),
            prefix: opened.prefix.clone(),
            room: format!("try{id}"),
            wait_s: match transport {
                Transport::LongPoll => WAIT_S,
                _ => workload.wait.as_secs_f64(),
            },
            head: workload.head,
            cookie_bytes: workload.cookie_bytes,
        };
        // Never started: arrivals are recorded and not counted.
        let schedule = Schedule::new(1.0, MESSAGES, Duration::ZERO);
        let publishing = PublishRequest::new(&opened.profile, &place, tag.clone(), workload.size)?;
        Ok(Self {
            opened,
            place,
            recorder: RunRecorder::new(schedule, tag),
            publishing,
            connection: PublishConnection::new(&opened.endpoint),
        })
    }

    async fn run(mut self, transport: Transport) -> Result<Option<String>> {
        match transport {
            Transport::Stream => self.stream().await?,
            _ => self.poll(transport).await?,
        }
        Ok(self.connection.server.take())
    }

    fn publish(&mut self, sequence: u64) -> Result<()> {
        let request = self.publishing.request(sequence)?;
        let sent = tokio::task::block_in_place(|| self.connection.send(request));
        sent.map_err(|error| self.with_hint("publish", &error))
    }

    async fn poll(&mut self, transport: Transport) -> Result<()> {
        let poll_request = PollRequest::new(&self.opened.profile, transport, &self.place)?;
        let recorder = self.recorder.client(0);
        let mut client = PollClient::new(
            &self.opened.endpoint,
            &poll_request,
            PREFLIGHT_TIMEOUT,
            recorder,
        );
        let part = transport.as_str();
        let opened = client.open().await;
        opened.map_err(|error| self.with_hint(part, &error))?;
        for sequence in 0..MESSAGES {
            self.publish(sequence)?;
            let deadline = Instant::now() + PREFLIGHT_TIMEOUT;
            while client.recorder().first_deliveries() <= sequence && Instant::now() < deadline {
                let asked = match transport {
                    // Each poll has its own time limit.
                    Transport::Poll => Ok(client.try_request().await),
                    _ => timeout_at(deadline, client.try_request()).await,
                };
                // A long-poll may wait if it gets no message.
                let Ok(answer) = asked else {
                    break;
                };
                if let Some(take) = client.missing_field() {
                    bail!(
                        "the {part} answers have no {take}: correct the cursor of [{part}] in {}",
                        self.profile()
                    );
                }
                answer.map_err(|error| self.with_hint(part, &error))?;
                sleep(PAUSE).await;
            }
            ensure!(
                client.recorder().first_deliveries() > sequence,
                "the {part} answers do not bring the message that was published: correct the path or \
                 the cursor of [{part}], or [publish], in {}{}",
                self.profile(),
                match poll_request.start() {
                    Some(_) => "",
                    None =>
                        "; if a request without a cursor begins at the end of the log there, add `start`",
                }
            );
        }
        // There is nothing new now, and a server may hold a long-poll for any time.
        if let Ok(answer) = timeout(QUIESCENCE, client.try_request()).await {
            answer.map_err(|error| self.with_hint(part, &error))?;
        }
        ensure!(
            client.recorder().repetitions() == 0,
            "the {part} answers bring the same message again: correct the cursor of [{part}] in {}",
            self.profile()
        );
        Ok(())
    }

    async fn stream(&mut self) -> Result<()> {
        let stream_request = StreamRequest::new(&self.opened.profile, &self.place)?;
        let mut client = SseClient::new(
            &self.opened.endpoint,
            &stream_request,
            self.recorder.client(0),
        );
        let opened = timeout(PREFLIGHT_TIMEOUT, client.open()).await;
        let opened = opened.unwrap_or_else(|_| Err(Timeout.into()));
        opened.map_err(|error| self.with_hint("stream", &error))?;
        for sequence in 0..MESSAGES {
            self.publish(sequence)?;
            let waiting = client.read_until(|recorder| recorder.first_deliveries() > sequence);
            match timeout(PREFLIGHT_TIMEOUT, waiting).await {
                Ok(came) => came.map_err(|error| self.with_hint("stream", &error))?,
                Err(_) => bail!(
                    "the stream does not bring the message that was published: correct the path of \
                     [stream], or [publish], in {}",
                    self.profile()
                ),
            }
        }
        Ok(())
    }

    fn profile(&self) -> String {
        format!("profile {}", self.opened.profile.name)
    }

    /// The error in this `part` of the profile, and what to change.
    fn with_hint(&self, part: &str, error: &Error) -> Error {
        let unexpected = error.downcast_ref::<UnexpectedStatus>();
        let profile = self.profile();
        let advice = match unexpected.map(|answer| answer.status) {
            Some(300..=399) => format!(
                "the clients follow no redirect: give its address as --target, or correct [{part}] in {profile}"
            ),
            Some(500..) => "see the server's log, because that is a failure of the server itself".to_owned(),
            Some(401 | 403) => format!("add the credentials it asks for to the headers of {profile}"),
            Some(429) => "raise the server's limits for this machine".to_owned(),
            _ if error.is::<HeadTooLarge>() => {
                "no browser reads that: look into the server or the proxy before it".to_owned()
            }
            _ if error.is::<WrongProtocol>() => "leave --protocol out, or choose the other".to_owned(),
            _ if error.downcast_ref::<TlsFailure>().is_some_and(|it| it.is_certificate) => {
                "add --insecure to take any certificate".to_owned()
            }
            _ if error.is::<TlsFailure>() => "correct --target".to_owned(),
            _ if error.is::<CompressedAnswer>() => format!(
                "switch compression off for this address at the server or the proxy before it, or send \
                 `Accept-Encoding = \"identity\"` among the headers of {profile}"
            ),
            _ if error.is::<NotAnEventStream>() => format!(
                "a browser's EventSource refuses that; correct the path of [stream] in {profile}, or the \
                 server's Content-Type"
            ),
            _ if error.is::<Timeout>() => {
                "the server takes connections and does not answer: look into it, or correct --target"
                    .to_owned()
            }
            _ => format!("correct [{part}] in {profile}, or choose another --profile"),
        };
        let url = &self.opened.url;
        anyhow!("{part} at {url} failed, {error:#}: {advice}")
    }
}
