//! The two versions of HTTP that are compared.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// A version of HTTP, under its name in ALPN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, ValueEnum)]
pub enum Protocol {
    #[default]
    #[serde(rename = "http/1.1")]
    #[value(name = "http/1.1")]
    Http1,
    #[serde(rename = "h2")]
    #[value(name = "h2")]
    Http2,
}

impl Protocol {
    pub const ALL: [Self; 2] = [Self::Http1, Self::Http2];

    /// Its name in ALPN, flags and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http1 => "http/1.1",
            Self::Http2 => "h2",
        }
    }

    /// The name for output.
    pub fn description(self) -> &'static str {
        match self {
            Self::Http1 => "HTTP/1.1",
            Self::Http2 => "HTTP/2",
        }
    }
}

impl std::str::FromStr for Protocol {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|protocol| protocol.as_str() == text)
            .ok_or_else(|| format!("{text:?} is neither http/1.1 nor h2"))
    }
}

impl std::fmt::Display for Protocol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}
