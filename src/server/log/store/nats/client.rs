//! The connection to NATS and the requests to JetStream. Each request has a time limit, and fails with one line.

use std::{sync::Arc, time::Duration};

use async_nats::{
    Client, Event, HeaderMap, ServerError,
    jetstream::{
        self, Context, ErrorCode,
        consumer::{self, Consumer, FromConsumer, IntoConsumerConfig},
        context::RequestErrorKind,
        response::Response,
        stream::{
            Config, ConsumerError, ConsumerErrorKind, Info, LastRawMessageErrorKind,
            RawMessageError, Stream,
        },
    },
};
use bytes::Bytes;
use parking_lot::Mutex;
use serde::Deserialize;
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

use super::{identity::description, options::Target, record};
use crate::{
    domain::{cursor::LogId, room::Room},
    log::store::{OpenError, StoreUnavailable, open_error::one_line},
};

/// How long one request may take. Several must fit into a client's wait.
const REQUEST_TIMEOUT: Duration = Duration::from_millis(1500);

/// The state of the connection.
#[derive(Default)]
struct ClientEvents {
    /// The last refusal by NATS itself, after which requests to JetStream simply get no answer.
    refusal: Mutex<Option<String>>,
}

pub(super) struct JetStreamClient {
    /// The settings of a stream that is created.
    pub config: Config,
    pub client: Client,
    pub jetstream: Context,
    stream: Stream<()>,
    events: Arc<ClientEvents>,
    /// Counts connections.
    connections: watch::Receiver<u64>,
}

/// JetStream's answer to a publish.
#[derive(Debug, Deserialize)]
struct Ack {
    #[serde(default)]
    seq: u64,
    #[serde(default)]
    duplicate: bool,
    error: Option<jetstream::Error>,
}

/// JetStream has the message.
#[derive(Debug, Clone, Copy)]
pub(super) struct PubAck {
    pub id: u64,
    /// Whether it had the message before, under the same message id.
    pub is_duplicate: bool,
}

/// Why there is no acknowledgement.
#[derive(Debug)]
pub(super) enum PublishError {
    /// It was not stored.
    Refused(String),
    /// The message was not stored, and sending it again will not help.
    Rejected(String),
    /// The message may still be stored.
    Timeout(String),
}

impl JetStreamClient {
    pub async fn connect(target: Target, config: Config) -> Result<Self, OpenError> {
        let events = Arc::new(ClientEvents::default());
        let (connected, connections) = watch::channel(0);
        let connected = Arc::new(connected);
        let noted = events.clone();
        let connect = target.connect.event_callback(move |event| {
            match event {
                Event::Connected | Event::Disconnected => connected.send_modify(|n| *n += 1),
                Event::ServerError(ServerError::Other(text)) => {
                    *noted.refusal.lock() = Some(one_line(&text));
                }
                _ => {}
            }
            async {}
        });
        let name = target.name;
        let client = connect
            .connect(target.servers)
            .await
            .map_err(|error| OpenError::new(&name, explain_connect(&error)))?;
        let jetstream = jetstream::context::ContextBuilder::new()
            .timeout(REQUEST_TIMEOUT)
            .build(client.clone());
        let stream = jetstream
            .get_stream_no_info(&config.name)
            .await
            .map_err(|error| OpenError::new(&name, one_line(&error)))?;
        Ok(Self {
            config,
            client,
            jetstream,
            stream,
            events,
            connections,
        })
    }

    /// Changes whenever the connection is made or lost.
    pub fn connections(&self) -> watch::Receiver<u64> {
        self.connections.clone()
    }

    pub fn is_connected(&self) -> bool {
        self.client.connection_state() == async_nats::connection::State::Connected
    }

    pub fn subject(&self, room: &Room) -> String {
        format!("{}.{room}", self.config.name)
    }

    /// Sends a request to JetStream's API. `Ok(Err(…))`: the request was refused.
    async fn ask<T: serde::de::DeserializeOwned>(
        &self,
        subject: String,
        request: &impl serde::Serialize,
    ) -> Result<Result<T, jetstream::Error>, StoreUnavailable> {
        self.forget_refusal();
        let response = self.jetstream.request(subject, request).await;
        match response {
            Ok(Response::Ok(answer)) => Ok(Ok(answer)),
            Ok(Response::Err { error }) => Ok(Err(error)),
            Err(error) => Err(match error.kind() {
                RequestErrorKind::NoResponders if self.client.server_info().jetstream => {
                    StoreUnavailable("NATS answers, but JetStream is away".into())
                }
                RequestErrorKind::NoResponders => {
                    StoreUnavailable("NATS answers, but JetStream is not enabled on it".into())
                }
                _ => self.no_response(),
            }),
        }
    }

    /// Forgets the last refusal.
    pub fn forget_refusal(&self) {
        self.events.refusal.lock().take();
    }

    /// Returns an error if NATS itself has refused a request.
    pub fn refusal(&self) -> Result<(), StoreUnavailable> {
        match self.events.refusal.lock().take() {
            Some(refusal) => Err(StoreUnavailable(format!("no permission: {refusal}"))),
            None => Ok(()),
        }
    }

    /// The reason for a missing answer, which may be a refusal by NATS itself.
    pub fn no_response(&self) -> StoreUnavailable {
        match self.refusal() {
            Err(refusal) => refusal,
            Ok(()) if self.is_connected() => StoreUnavailable("JetStream does not answer".into()),
            Ok(()) => StoreUnavailable("not connected".into()),
        }
    }

    /// A consumer of the stream.
    pub async fn consumer<C: IntoConsumerConfig + FromConsumer>(
        &self,
        config: C,
    ) -> Result<Consumer<C>, StoreUnavailable> {
        let stream = &self.config.name;
        let created = self.jetstream.create_consumer_on_stream(config, stream);
        created.await.map_err(|error| self.no_consumer(&error))
    }

    pub async fn delete_consumer(&self, info: &consumer::Info) -> Result<(), StoreUnavailable> {
        let (name, stream) = (&info.name, &info.stream_name);
        let deleted = self.jetstream.delete_consumer_from_stream(name, stream);
        let deleted = deleted.await.map(drop);
        deleted.map_err(|error| self.no_consumer(&error))
    }

    fn no_consumer(&self, error: &ConsumerError) -> StoreUnavailable {
        match error.kind() {
            ConsumerErrorKind::TimedOut => self.no_response(),
            _ => StoreUnavailable(one_line(error)),
        }
    }

    /// Checks whether this user may use JetStream.
    pub async fn account(&self) -> Result<(), StoreUnavailable> {
        let answer: Result<serde_json::Value, _> = self.ask("INFO".into(), &()).await?;
        answer.map(drop).map_err(|error| refused(&error))
    }

    /// The stream's state from its leader; `None`: there is no such stream.
    pub async fn info(&self) -> Result<Option<Info>, StoreUnavailable> {
        let subject = format!("STREAM.INFO.{}", self.config.name);
        match self.ask(subject, &()).await? {
            Ok(info) => Ok(Some(info)),
            Err(error) if error.error_code() == ErrorCode::STREAM_NOT_FOUND => Ok(None),
            Err(error) => Err(refused(&error)),
        }
    }

    /// The stream, created if there is none.
    pub async fn info_or_create(&self) -> Result<Info, StoreUnavailable> {
        if let Some(info) = self.info().await? {
            return Ok(info);
        }
        let subject = format!("STREAM.CREATE.{}", self.config.name);
        // Each new stream is a new log.
        let log = LogId::random().map_err(|error| StoreUnavailable(one_line(&error)))?;
        let config = Config {
            description: Some(description(log)),
            ..self.config.clone()
        };
        match self.ask(subject, &config).await? {
            Ok(info) => Ok(info),
            // Another server of the group may have been first.
            Err(error) => match self.info().await? {
                Some(info) => Ok(info),
                None => Err(refused(&error)),
            },
        }
    }

    /// Publishes, and waits for JetStream's answer.
    pub async fn send(
        &self,
        subject: String,
        headers: HeaderMap,
        payload: Bytes,
        until: Instant,
    ) -> Result<PubAck, PublishError> {
        let request = async_nats::Request::new()
            .headers(headers)
            .payload(payload)
            .timeout(None);
        let answer = timeout_at(until, self.client.send_request(subject, request)).await;
        let message = match answer {
            Ok(Ok(message)) => message,
            Ok(Err(error)) if error.kind() == async_nats::RequestErrorKind::NoResponders => {
                return Err(PublishError::Refused("no stream takes it".into()));
            }
            Ok(Err(error)) => return Err(PublishError::Timeout(one_line(&error))),
            Err(_) => return Err(PublishError::Timeout("no acknowledgement in time".into())),
        };
        let ack: Ack = serde_json::from_slice(&message.payload)
            .map_err(|error| PublishError::Timeout(one_line(&error)))?;
        match ack.error {
            Some(error) if (400..500).contains(&error.code()) => {
                Err(PublishError::Rejected(one_line(&error)))
            }
            Some(error) => Err(PublishError::Refused(one_line(&error))),
            None => Ok(PubAck {
                id: ack.seq,
                is_duplicate: ack.duplicate,
            }),
        }
    }

    /// Message `id`, by the stream's leader.
    pub async fn message(
        &self,
        log: LogId,
        id: u64,
    ) -> Result<Option<StoredMessage>, StoreUnavailable> {
        let answer = self.stream.get_raw_message(id).await;
        self.stored(log, answer)
    }

    /// The newest message of a room, by the stream's leader.
    pub async fn newest(
        &self,
        log: LogId,
        room: &Room,
    ) -> Result<Option<StoredMessage>, StoreUnavailable> {
        let subject = self.subject(room);
        let answer = self.stream.get_last_raw_message_by_subject(&subject).await;
        self.stored(log, answer)
    }

    /// The first message of a room from `id` on, by the stream's leader.
    pub async fn next(
        &self,
        log: LogId,
        room: &Room,
        id: u64,
    ) -> Result<Option<StoredMessage>, StoreUnavailable> {
        let subject = self.subject(room);
        let request = self.stream.raw_message_builder();
        let answer = request.sequence(id).next_by_subject(subject).send().await;
        self.stored(log, answer)
    }

    fn stored(
        &self,
        log: LogId,
        answer: Result<jetstream::message::StreamMessage, RawMessageError>,
    ) -> Result<Option<StoredMessage>, StoreUnavailable> {
        match answer {
            Ok(message) => {
                let stored_at_us = micros(message.time.unix_timestamp_nanos());
                Ok(Some(StoredMessage {
                    id: message.sequence,
                    record: record::decode(
                        log,
                        &message.subject,
                        message.sequence,
                        stored_at_us,
                        &message.payload,
                    ),
                }))
            }
            Err(error) => match error.kind() {
                LastRawMessageErrorKind::NoMessageFound => Ok(None),
                LastRawMessageErrorKind::JetStream(error) if error.code() == 404 => {
                    if error.error_code() == ErrorCode::STREAM_NOT_FOUND {
                        return Err(refused(&error));
                    }
                    Ok(None)
                }
                LastRawMessageErrorKind::JetStream(error) => Err(refused(&error)),
                _ => Err(self.no_response()),
            },
        }
    }
}

/// The content of a stream sequence; no record if another program put it there.
pub(super) struct StoredMessage {
    pub id: u64,
    pub record: Option<record::Record>,
}

/// Microseconds of nanoseconds since the Unix epoch.
pub(super) fn micros(nanos: i128) -> i64 {
    i64::try_from(nanos / 1000).unwrap_or(i64::MAX)
}

pub(super) fn refused(error: &jetstream::Error) -> StoreUnavailable {
    StoreUnavailable(format!("JetStream refuses: {}", one_line(error)))
}

fn explain_connect(error: &async_nats::ConnectError) -> String {
    use async_nats::ConnectErrorKind as Kind;
    match error.kind() {
        Kind::AuthorizationViolation | Kind::Authentication => "NATS refuses the login".to_owned(),
        Kind::Dns => "the name has no address".to_owned(),
        Kind::TimedOut => "NATS does not answer".to_owned(),
        _ => match std::error::Error::source(error) {
            Some(source) if is_no_tls(source) => "does not speak TLS: try nats://".to_owned(),
            Some(source) => format!("cannot be reached: {}", one_line(&source)),
            None => format!("cannot be reached: {}", one_line(error)),
        },
    }
}

/// Whether the answer to a TLS hello was not TLS.
fn is_no_tls(error: &(dyn std::error::Error + 'static)) -> bool {
    use async_nats::rustls;
    let mut causes = std::iter::successors(Some(error), |error| error.source());
    causes.any(|cause| {
        let inner = cause.downcast_ref::<std::io::Error>();
        let inner = inner.and_then(std::io::Error::get_ref);
        let is_other = |error: &rustls::Error| matches!(error, rustls::Error::InvalidMessage(_));
        cause.downcast_ref().is_some_and(is_other)
            || inner
                .and_then(|inner| inner.downcast_ref())
                .is_some_and(is_other)
    })
}
