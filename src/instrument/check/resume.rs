//! Whether a stream that was cut continues where it was, with the header Last-Event-ID.

use std::time::Duration;

use anyhow::Result;

use super::{
    findings::{Finding, FindingName, Severity},
    proxy::SiteProblem,
    site::Site,
    stream_reader::StreamReader,
};

/// How long a message may take.
const EVENT_TIMEOUT: Duration = Duration::from_secs(5);
const MESSAGE_BYTES: usize = 100;
/// The message before the break, the one during it, the one after it.
const BEFORE: u64 = 0;
const DURING: u64 = 1;
const AFTER: u64 = 2;

/// Whether streams resume.
pub struct Resume {
    pub finding: Finding,
    /// Whether nothing is lost between two streams, as far as is known.
    pub is_lossless: bool,
}

pub async fn check(site: &Site) -> Result<Resume> {
    let finding = finding(site).await?;
    // Events without ids are a warning too.
    let is_lossless = matches!(
        (finding.result, finding.problem()),
        (Severity::Good, _) | (Severity::Warning, Some(SiteProblem::LastEventId))
    );
    Ok(Resume {
        finding,
        is_lossless,
    })
}

async fn finding(site: &Site) -> Result<Finding> {
    if site.read_only {
        return Ok(Finding::unknown(
            FindingName::Resume,
            "unknown: nothing was published",
        ));
    }
    let room = site.room("r", Duration::ZERO);
    let mut first = StreamReader::open(site, &room, None).await?;
    first
        .wait_for(EVENT_TIMEOUT, |state| state.head.is_some())
        .await;
    site.publish(&room, BEFORE, MESSAGE_BYTES).await?;
    let came = first
        .wait_for(EVENT_TIMEOUT, |state| state.messages.contains_key(&BEFORE))
        .await;
    if !came {
        return Ok(Finding::unknown(
            FindingName::Resume,
            "unknown: no event arrived that the stream could resume after",
        ));
    }
    let last_id = first.state().last_id;
    drop(first);
    let Some(last_id) = last_id else {
        return Ok(Finding::new(
            FindingName::Resume,
            Severity::Warning,
            "no: events have no id, so what comes during a reconnect is lost",
            None,
            Some(SiteProblem::NoIds),
        ));
    };
    site.publish(&room, DURING, MESSAGE_BYTES).await?;
    let mut second = StreamReader::open(site, &room, Some(&last_id)).await?;
    second
        .wait_for(EVENT_TIMEOUT, |state| state.head.is_some())
        .await;
    site.publish(&room, AFTER, MESSAGE_BYTES).await?;
    second
        .wait_for(EVENT_TIMEOUT, |state| state.messages.contains_key(&AFTER))
        .await;
    let messages = second.state().messages;
    let has = |number: u64| messages.contains_key(&number);
    Ok(match (has(BEFORE), has(DURING), has(AFTER)) {
        (false, true, true) => Finding::good(
            FindingName::Resume,
            "yes, by Last-Event-ID, nothing lost",
            None,
        ),
        (true, true, true) => Finding::new(
            FindingName::Resume,
            Severity::Warning,
            "everything is sent again, because Last-Event-ID is ignored",
            None,
            Some(SiteProblem::LastEventId),
        ),
        (_, false, true) => Finding::new(
            FindingName::Resume,
            Severity::Bad,
            "no: Last-Event-ID had no effect, and the message that came during the break was lost",
            None,
            Some(SiteProblem::LastEventId),
        ),
        (_, _, false) => Finding::unknown(
            FindingName::Resume,
            "unknown: the second stream brought nothing",
        ),
    })
}
