//! The other servers to compare with. Not every machine has all of them.

use serde::{Deserialize, Serialize};

pub const NCHAN: &str = "nchan";
pub const PUSHPIN: &str = "Pushpin";
pub const DURABLE_STREAMS: &str = "durable-streams-server";

/// Another server.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Peer {
    pub name: String,
    /// Its version; `None` if it is not installed.
    pub version: Option<String>,
}

/// A sentence on the servers that a run has. Older runs did not record them.
pub fn sentence(peers: &[Peer]) -> String {
    if peers.is_empty() {
        return format!("{PUSHPIN} and {DURABLE_STREAMS}: not measured yet.");
    }
    let named = |peer: &Peer| match &peer.version {
        Some(version) => format!("{} ({version})", peer.name),
        None => peer.name.clone(),
    };
    let list = |is_there: bool| {
        let some = peers
            .iter()
            .filter(|peer| peer.version.is_some() == is_there);
        some.map(named).collect::<Vec<_>>().join(", ")
    };
    let (there, missing) = (list(true), list(false));
    let mut sentences = Vec::new();
    if !there.is_empty() {
        sentences.push(format!("Also measured: {there}."));
    }
    if peers
        .iter()
        .any(|it| it.name == PUSHPIN && it.version.is_some())
    {
        sentences.push(format!(
            "The figures of {PUSHPIN} are of all its processes, without the application behind it."
        ));
    }
    if !missing.is_empty() {
        sentences.push(format!("Not measured, because not installed: {missing}."));
    }
    sentences.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_servers_are_named() {
        let peer = |name: &str, version: Option<&str>| Peer {
            name: name.to_owned(),
            version: version.map(str::to_owned),
        };
        let some = [peer(NCHAN, Some("nginx/1.22.1")), peer(PUSHPIN, None)];
        let said =
            "Also measured: nchan (nginx/1.22.1). Not measured, because not installed: Pushpin.";
        assert_eq!(sentence(&some), said);
        let none = "Pushpin and durable-streams-server: not measured yet.";
        assert_eq!(sentence(&[]), none);
    }
}
