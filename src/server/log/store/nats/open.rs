//! Opening the log: checks that NATS can be reached and used, and that the stream has the right settings.

use std::{sync::Arc, time::Duration};

use async_nats::jetstream::stream::{Config, DiscardPolicy, Info, RetentionPolicy, StorageType};
use tokio::runtime::Runtime;

use super::{
    Nats,
    client::JetStreamClient,
    identity::identity,
    options::{Options, Target},
};
use crate::{
    domain::cursor::LogId,
    log::{
        entry::FrameEncoder,
        retention::Retention,
        store::{OpenError, idempotency::IDEMPOTENCY_TTL},
        tail_cache::TailCache,
    },
};

/// The largest message that is published, with room to spare.
const MAX_STORED_BYTES: usize = 64 * 1024;

/// A stream that was reached and checked, and has no tails to append to yet.
pub struct NatsHandle {
    runtime: Runtime,
    client: JetStreamClient,
    retention: Retention,
    /// The prefix of the names of this process's publishes.
    names: LogId,
    pub log: LogId,
    pub head: u64,
}

impl NatsHandle {
    /// Connects to NATS and opens the stream, which is created if it does not exist.
    pub fn open(options: &Options, retention: Retention) -> Result<Self, OpenError> {
        let target = Target::from_options(options)?;
        let name = target.name.clone();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("nats")
            .enable_all()
            .build()
            .map_err(|error| OpenError::new(&name, error))?;
        let names = LogId::random().map_err(|error| OpenError::new(&name, error))?;
        let config = config(options, retention);
        let opening = open(target, config);
        // On a separate thread, because the caller's thread may belong to a runtime.
        let opened = std::thread::scope(|scope| {
            let thread = scope.spawn(|| runtime.block_on(opening));
            thread
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        match opened {
            Ok((client, info)) => Ok(Self {
                runtime,
                client,
                retention,
                names,
                log: identity(&info),
                head: info.state.last_sequence,
            }),
            Err(error) => {
                runtime.shutdown_background();
                Err(error)
            }
        }
    }

    pub fn serve(self, encode: FrameEncoder, tails: Arc<TailCache>) -> Nats {
        Nats::start(
            self.runtime,
            self.client,
            self.retention,
            encode,
            tails,
            self.names,
        )
    }
}

async fn open(target: Target, config: Config) -> Result<(JetStreamClient, Info), OpenError> {
    let name = target.name.clone();
    let client = JetStreamClient::connect(target, config).await?;
    let fail = |detail: &dyn std::fmt::Display| OpenError::new(&name, detail);
    let payload = client.client.max_payload();
    if payload < MAX_STORED_BYTES {
        return Err(fail(&format!(
            "max_payload is {payload} bytes; messages need {MAX_STORED_BYTES}"
        )));
    }
    client.account().await.map_err(|away| fail(&away))?;
    let info = client.info_or_create().await.map_err(|away| fail(&away))?;
    let differences = differences(&client.config, &info.config);
    if !differences.is_empty() {
        let stream = &client.config.name;
        return Err(fail(&format!(
            "the stream {stream} has other settings: {}",
            differences.join(", ")
        )));
    }
    let probed = client.check_permissions(identity(&info), info.state.last_sequence);
    probed.await.map_err(|away| fail(&away))?;
    Ok((client, info))
}

/// The settings that the stream must have.
fn config(options: &Options, retention: Retention) -> Config {
    let max_age = retention.age.unwrap_or(Duration::ZERO);
    // JetStream does not remember a message id for longer than messages.
    let duplicate_window = match retention.age {
        Some(age) => age.min(IDEMPOTENCY_TTL),
        None => IDEMPOTENCY_TTL,
    };
    Config {
        name: options.stream.clone(),
        subjects: vec![format!("{}.*", options.stream)],
        max_messages: retention
            .messages
            .map_or(-1, |kept| i64::try_from(kept).unwrap_or(i64::MAX)),
        max_bytes: -1,
        max_messages_per_subject: -1,
        max_message_size: -1,
        max_consumers: -1,
        max_age,
        duplicate_window,
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::Old,
        storage: StorageType::File,
        num_replicas: options.replicas,
        ..Config::default()
    }
}

/// The stream's settings that would refuse messages.
pub(super) fn refuses(found: &Config) -> Option<String> {
    let largest = usize::try_from(found.max_message_size).unwrap_or(0);
    if (1..MAX_STORED_BYTES).contains(&largest) {
        return Some(format!(
            "the stream's max_msg_size is {largest}; messages need {MAX_STORED_BYTES}"
        ));
    }
    found.sealed.then(|| "the stream is sealed".to_owned())
}

/// The settings in `found` that would lose or refuse messages, or keep them for another time than promised.
fn differences(wanted: &Config, found: &Config) -> Vec<String> {
    let mut differences = Vec::new();
    let mut compare = |name: &str, wanted: String, found: String| {
        if wanted != found {
            differences.push(format!("{name} is {found}, not {wanted}"));
        }
    };
    let limit = |n: i64| {
        if n <= 0 {
            "off".to_owned()
        } else {
            n.to_string()
        }
    };
    let time = |time: Duration| match time.is_zero() {
        true => "off".to_owned(),
        false => humantime::format_duration(time).to_string(),
    };
    compare(
        "subjects",
        wanted.subjects.join(" "),
        found.subjects.join(" "),
    );
    compare(
        "max_msgs",
        limit(wanted.max_messages),
        limit(found.max_messages),
    );
    compare("max_bytes", limit(wanted.max_bytes), limit(found.max_bytes));
    compare("max_age", time(wanted.max_age), time(found.max_age));
    compare(
        "duplicate_window",
        time(wanted.duplicate_window),
        time(found.duplicate_window),
    );
    compare(
        "max_msgs_per_subject",
        limit(wanted.max_messages_per_subject),
        limit(found.max_messages_per_subject),
    );
    compare(
        "max_msg_size",
        limit(i64::from(wanted.max_message_size)),
        limit(i64::from(found.max_message_size)),
    );
    compare(
        "max_consumers",
        limit(i64::from(wanted.max_consumers)),
        limit(i64::from(found.max_consumers)),
    );
    compare(
        "retention",
        format!("{:?}", wanted.retention).to_lowercase(),
        format!("{:?}", found.retention).to_lowercase(),
    );
    compare(
        "storage",
        format!("{:?}", wanted.storage).to_lowercase(),
        format!("{:?}", found.storage).to_lowercase(),
    );
    compare(
        "discard",
        format!("{:?}", wanted.discard).to_lowercase(),
        format!("{:?}", found.discard).to_lowercase(),
    );
    compare(
        "replicas",
        wanted.num_replicas.to_string(),
        found.num_replicas.to_string(),
    );
    for (name, is_set) in [
        ("no_ack", found.no_ack),
        ("sealed", found.sealed),
        ("mirror", found.mirror.is_some()),
        ("sources", found.sources.is_some()),
    ] {
        if is_set {
            differences.push(format!("{name} is set"));
        }
    }
    differences
}
