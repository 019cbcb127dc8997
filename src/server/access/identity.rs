//! The holder of a request's token, and what that holder may read and publish.

use std::time::{Duration, SystemTime};

use serde::Deserialize;

use crate::domain::room::Room;

/// A claim may name this many rooms or prefixes for each of reading and publishing.
const MAX_PATTERNS: usize = 1024;

/// The holder of a verified token.
#[derive(Debug, PartialEq, Eq)]
pub struct Identity {
    /// The token's `sub`.
    pub subject: Option<String>,
    /// SHA-256 of the token.
    pub token_hash: [u8; 32],
    pub rooms: RoomGrants,
    /// When the token is no longer accepted, leeway included; seconds since the Unix epoch.
    pub expires_at: u64,
}

/// The token's claim `rooms`.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
pub struct RoomGrants {
    #[serde(default)]
    read: RoomPatterns,
    #[serde(default)]
    publish: RoomPatterns,
}

/// Rooms by their name or by a prefix of it.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<String>")]
struct RoomPatterns(Vec<RoomPattern>);

#[derive(Debug, PartialEq, Eq)]
enum RoomPattern {
    Exact(Room),
    Prefix(String),
}

impl Identity {
    pub fn may_read(&self, room: &Room) -> bool {
        self.rooms.read.matches(room)
    }

    pub fn may_publish(&self, room: &Room) -> bool {
        self.rooms.publish.matches(room)
    }

    /// Whether the holder may read every room.
    pub fn may_read_all(&self) -> bool {
        let is_all = |pattern: &RoomPattern| *pattern == RoomPattern::Prefix(String::new());
        self.rooms.read.0.iter().any(is_all)
    }

    pub fn is_expired(&self) -> bool {
        self.lasts_for().is_zero()
    }

    /// The time until the token is no longer accepted.
    pub fn lasts_for(&self) -> Duration {
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        Duration::from_secs(self.expires_at).saturating_sub(since_epoch.unwrap_or_default())
    }
}

impl RoomPatterns {
    fn matches(&self, room: &Room) -> bool {
        self.0.iter().any(|pattern| match pattern {
            RoomPattern::Exact(name) => name == room,
            RoomPattern::Prefix(prefix) => room.as_str().starts_with(prefix),
        })
    }
}

impl TryFrom<Vec<String>> for RoomPatterns {
    type Error = &'static str;

    fn try_from(names: Vec<String>) -> Result<Self, Self::Error> {
        if names.len() > MAX_PATTERNS {
            return Err("names too many rooms");
        }
        names.into_iter().map(RoomPattern::parse).collect()
    }
}

impl FromIterator<RoomPattern> for RoomPatterns {
    fn from_iter<T: IntoIterator<Item = RoomPattern>>(patterns: T) -> Self {
        Self(patterns.into_iter().collect())
    }
}

impl RoomPattern {
    fn parse(text: String) -> Result<Self, &'static str> {
        let Some(prefix) = text.strip_suffix('*') else {
            return text.parse().map(Self::Exact).map_err(|_| "names no room");
        };
        // The prefix of a room's name is itself a valid room name.
        if prefix.is_empty() || prefix.parse::<Room>().is_ok() {
            Ok(Self::Prefix(prefix.to_owned()))
        } else {
            Err("has a `*` that is not at the end of a name")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(rooms: &str) -> Result<Identity, serde_json::Error> {
        Ok(Identity {
            subject: None,
            token_hash: [0; 32],
            rooms: serde_json::from_str(rooms)?,
            expires_at: 0,
        })
    }

    fn room(name: &str) -> Room {
        name.parse().expect("a room")
    }

    #[test]
    fn rooms_are_named_or_begin_with_a_prefix() {
        let rooms = r#"{"read": ["lobby", "team-*"], "publish": ["lobby"]}"#;
        let identity = identity(rooms).expect("valid");
        for (name, may_read, may_publish) in [
            ("lobby", true, true),
            ("team-", true, false),
            ("team-a", true, false),
            ("team", false, false),
            ("Lobby", false, false),
            ("lobby2", false, false),
        ] {
            assert_eq!(identity.may_read(&room(name)), may_read, "{name}");
            assert_eq!(identity.may_publish(&room(name)), may_publish, "{name}");
        }
        assert!(!identity.may_read_all());
    }

    #[test]
    fn a_star_alone_is_every_room_and_nothing_is_none() {
        let all = identity(r#"{"read": ["*"]}"#).expect("valid");
        assert!(all.may_read_all() && all.may_read(&room("x")));
        assert!(!all.may_publish(&room("x")));
        let none = identity("{}").expect("valid");
        assert!(!none.may_read(&room("lobby")));
    }

    #[test]
    fn what_names_no_rooms_is_refused() {
        for rooms in [
            r#"{"read": "lobby"}"#,
            r#"{"read": [1]}"#,
            r#"{"read": [""]}"#,
            r#"{"read": ["a b"]}"#,
            r#"{"read": ["a*b"]}"#,
            r#"{"read": ["**"]}"#,
            r#"{"publish": {"lobby": true}}"#,
        ] {
            assert!(identity(rooms).is_err(), "{rooms}");
        }
        let many = vec!["\"a\""; MAX_PATTERNS + 1].join(",");
        assert!(identity(&format!("{{\"read\": [{many}]}}")).is_err());
    }
}
