//! The identity of the log in a stream, which is part of the stream's description.

use async_nats::jetstream::stream::Info;

use crate::domain::cursor::LogId;

/// The beginning of a stream's description, which the log's identity follows.
const DESCRIPTION: &str = "messages of poll-vs-sse, log ";

/// The stream's identity, at the end of its description. The description is part of the stream's settings, on which a
/// cluster agrees. The creation time is not, and changes if all NATS servers are killed; it serves only for a stream
/// that was made without such a description.
pub(super) fn identity(info: &Info) -> LogId {
    let description = info.config.description.as_deref();
    description.and_then(described).unwrap_or_else(|| {
        let created_ns = info.created.unix_timestamp_nanos();
        LogId::from_u64(created_ns as u64)
    })
}

fn described(description: &str) -> Option<LogId> {
    description.strip_prefix(DESCRIPTION)?.parse().ok()
}

/// The description of a new stream for the log `id`.
pub(super) fn description(id: LogId) -> String {
    format!("{DESCRIPTION}{id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_names_its_log() {
        let log = LogId::random().expect("chance");
        assert_eq!(described(&description(log)), Some(log));
        for other in ["", "messages", "messages of poll-vs-sse, log ", "log k3"] {
            assert_eq!(described(other), None, "{other:?}");
        }
    }
}
