//! The findings, as `check --json` writes them (`docs/check.schema.json`).

use serde::{Deserialize, Serialize};

use super::{
    CheckOptions,
    proxy::{Proxy, SiteProblem, advice},
};

/// Rises when a reader of an older form would misunderstand a newer one. New fields do not count.
pub const FORMAT: u32 = 1;

/// The result of a check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckReport {
    pub format: u32,
    pub url: String,
    pub profile: String,
    pub patience_s: f64,
    pub read_only: bool,
    /// Whether Server-Sent Events work through this proxy.
    pub works: bool,
    /// The proxy that was recognized.
    pub proxy: Option<String>,
    /// The `Server` header of the answers.
    pub server: Option<String>,
    /// In the order of their lines.
    pub findings: Vec<Finding>,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    pub name: FindingName,
    pub result: Severity,
    /// The finding in words, with its figure.
    pub text: String,
    /// The figure itself, in the unit that [`FindingName`] gives. `None`: unknown, or not a number.
    pub value: Option<f64>,
    /// The change that would fix it.
    pub advice: Option<String>,
    #[serde(skip)]
    trouble: Option<SiteProblem>,
}

/// The subject of a finding, with the unit of its figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingName {
    /// No figure.
    Protocol,
    /// Seconds until the head of a stream's answer.
    Head,
    /// Seconds from when a publish was acknowledged to its event; if events are held back, the bytes after which one
    /// came.
    FirstEvent,
    /// No figure.
    Compression,
    /// Seconds without a byte.
    Silence,
    /// Seconds from a stream's beginning.
    Age,
    /// No figure.
    Resume,
    /// Seconds.
    LongPoll,
    /// No figure.
    PollCache,
    /// No figure.
    Cors,
}

/// How serious a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Everything works.
    Good,
    /// Server-Sent Events work, but something else does not, or could be better.
    Warning,
    /// Server-Sent Events do not work.
    Bad,
    /// It could not be determined.
    Unknown,
}

impl FindingName {
    /// The findings that need a stream.
    pub const OF_STREAMS: [Self; 5] = [
        Self::FirstEvent,
        Self::Compression,
        Self::Silence,
        Self::Age,
        Self::Resume,
    ];

    pub fn label(self) -> &'static str {
        match self {
            Self::Protocol => "protocol",
            Self::Head => "head",
            Self::FirstEvent => "first event",
            Self::Compression => "compression",
            Self::Silence => "silence",
            Self::Age => "total age",
            Self::Resume => "resume",
            Self::LongPoll => "long-poll",
            Self::PollCache => "poll cache",
            Self::Cors => "CORS",
        }
    }
}

impl Finding {
    pub fn good(name: FindingName, text: impl Into<String>, value: Option<f64>) -> Self {
        Self::new(name, Severity::Good, text, value, None)
    }

    pub fn unknown(name: FindingName, text: impl Into<String>) -> Self {
        Self::new(name, Severity::Unknown, text, None, None)
    }

    /// `trouble` decides the advice.
    pub fn new(
        name: FindingName,
        result: Severity,
        text: impl Into<String>,
        value: Option<f64>,
        trouble: Option<SiteProblem>,
    ) -> Self {
        Self {
            name,
            result,
            text: text.into(),
            value,
            advice: None,
            trouble,
        }
    }

    pub fn problem(&self) -> Option<SiteProblem> {
        self.trouble
    }

    /// Adds the advice for `proxy`.
    pub fn advise(&mut self, proxy: Option<Proxy>) {
        self.advice = self.trouble.map(|trouble| advice(trouble, proxy));
    }
}

impl CheckReport {
    pub fn new(
        options: &CheckOptions,
        proxy: Option<&str>,
        server: Option<String>,
        findings: Vec<Finding>,
    ) -> Self {
        Self {
            format: FORMAT,
            url: options.url.clone(),
            profile: options.profile.name.clone(),
            patience_s: options.patience.as_secs_f64(),
            read_only: options.read_only,
            works: findings.iter().all(|one| one.result != Severity::Bad),
            proxy: proxy.map(str::to_owned),
            server,
            findings,
        }
    }
}
