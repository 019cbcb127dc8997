//! Whether a stream's head and events arrive at once, and whether they are compressed.

use std::time::Duration;

use anyhow::{Result, bail};
use tokio::time::Instant;

use super::{
    findings::{Finding, FindingName, Severity},
    proxy::SiteProblem,
    redirect,
    site::{CheckRoom, Site},
    stream_reader::StreamReader,
};
use crate::model::format::{time_us, with_thousands};

/// The longest delay that counts as "at once".
const AT_ONCE: Duration = Duration::from_millis(500);
/// A head or an event that takes longer than this is held back, and not only late.
const HELD_BACK: Duration = Duration::from_secs(3);
/// The pause between two messages that push the first one through.
const PUSH_PAUSE: Duration = Duration::from_millis(300);
/// The size of each of those messages, which every server accepts.
const PUSH_BYTES: usize = 2000;
/// The most messages that are tried; buffers of proxies are smaller.
const MAX_PUSHES: u64 = 64;
/// The size of an ordinary message.
const MESSAGE_BYTES: usize = 100;

/// The findings on a stream's beginning.
pub enum Delivery {
    /// The lines on head, first event and compression.
    Stream(Vec<Finding>),
    /// The line on the head: there is no event stream.
    NoStream(Finding),
}

pub async fn check(site: &Site) -> Result<Delivery> {
    let room = site.room("d", Duration::ZERO);
    let mut reader = StreamReader::open(site, &room, None).await?;
    let came = reader
        .wait_for(HELD_BACK, |state| state.head.is_some())
        .await;
    if let Some(refusal) = refusal(site, &reader)? {
        return Ok(Delivery::NoStream(refusal));
    }
    let event = match site.read_only {
        true => first_bytes(&mut reader).await,
        false => first_event(site, &room, &mut reader).await?,
    };
    if let Some(refusal) = refusal(site, &reader)? {
        return Ok(Delivery::NoStream(refusal));
    }
    Ok(Delivery::Stream(vec![
        head(&reader, came),
        event,
        compression(&reader),
    ]))
}

/// Why there is no event stream, if there is none.
fn refusal(site: &Site, reader: &StreamReader) -> Result<Option<Finding>> {
    let state = reader.state();
    let Some((head, _)) = &state.head else {
        return Ok(state.ended.map(|(at, why)| {
            Finding::new(
                FindingName::Head,
                Severity::Bad,
                format!("never: after {}, {why}", time(at - reader.opened_at)),
                None,
                Some(SiteProblem::Buffering),
            )
        }));
    };
    site.see(&head.headers);
    if let Some(advice) = site.refusal_advice("stream", head) {
        let (url, status) = (site.url(), head.status);
        bail!("stream at {url} failed, the server answered {status}: {advice}");
    }
    let text = match (head.status, head.ensure_event_stream()) {
        (200, Ok(())) => return Ok(None),
        (200, Err(error)) => error.to_string(),
        _ => head.unexpected_status().to_string(),
    };
    let problem = match redirect::leaves_origin(head) {
        true => SiteProblem::OtherOrigin,
        false => SiteProblem::NotAStream,
    };
    Ok(Some(Finding::new(
        FindingName::Head,
        Severity::Bad,
        text,
        None,
        Some(problem),
    )))
}

/// `came`: the head came before it counted as held back.
fn head(reader: &StreamReader, came: bool) -> Finding {
    let state = reader.state();
    let Some((_, at)) = state.head else {
        return Finding::new(
            FindingName::Head,
            Severity::Bad,
            format!(
                "held back for more than {}",
                time(reader.opened_at.elapsed())
            ),
            None,
            Some(SiteProblem::Buffering),
        );
    };
    let took = at - reader.opened_at;
    let (result, text) = match came {
        true if took <= AT_ONCE => {
            let text = format!("at once ({})", time(took));
            return Finding::good(FindingName::Head, text, Some(took.as_secs_f64()));
        }
        true => (Severity::Warning, format!("late: after {}", time(took))),
        false => (Severity::Bad, format!("held back for {}", time(took))),
    };
    Finding::new(
        FindingName::Head,
        result,
        text,
        Some(took.as_secs_f64()),
        Some(SiteProblem::Buffering),
    )
}

/// Publishes a message, and waits for its event from when the server has acknowledged it: a publish that takes long
/// says nothing about the stream.
async fn first_event(site: &Site, room: &CheckRoom, reader: &mut StreamReader) -> Result<Finding> {
    site.publish(room, 0, MESSAGE_BYTES).await?;
    let acknowledged = Instant::now();
    let is_here = reader
        .wait_for(HELD_BACK, |state| state.messages.contains_key(&0))
        .await;
    match reader.state().messages.get(&0) {
        Some(at) if is_here => Ok(event_after(at.checked_duration_since(acknowledged))),
        _ => push_through(site, room, reader).await,
    }
}

/// `after`: from the acknowledgement of the publish. `None`: the event came before it.
fn event_after(after: Option<Duration>) -> Finding {
    let value = Some(after.unwrap_or_default().as_secs_f64());
    let text = match after {
        Some(after) if after > AT_ONCE => {
            return Finding::new(
                FindingName::FirstEvent,
                Severity::Warning,
                format!("late: {} after it was published", time(after)),
                value,
                Some(SiteProblem::Buffering),
            );
        }
        Some(after) => format!("at once ({} after it was published)", time(after)),
        None => "at once (before its publish was acknowledged)".to_owned(),
    };
    Finding::good(FindingName::FirstEvent, text, value)
}

/// Without publishing, the check uses the first bytes that the server sends by itself.
async fn first_bytes(reader: &mut StreamReader) -> Finding {
    let came = reader
        .wait_for(HELD_BACK, |state| {
            let head_at = state.head.as_ref().map(|(_, at)| *at);
            state.last_byte_at > head_at && head_at.is_some()
        })
        .await;
    match came {
        true => Finding::good(
            FindingName::FirstEvent,
            format!(
                "the stream's first bytes came within {} (nothing was published)",
                time(HELD_BACK)
            ),
            None,
        ),
        false => Finding::unknown(
            FindingName::FirstEvent,
            "unknown: the server sends nothing by itself, and nothing was published",
        ),
    }
}

/// Publishes until the first message arrives, which shows the size of the buffer that held it back.
async fn push_through(site: &Site, room: &CheckRoom, reader: &mut StreamReader) -> Result<Finding> {
    let mut published = MESSAGE_BYTES;
    for sequence in 1..=MAX_PUSHES {
        site.publish(room, sequence, PUSH_BYTES).await?;
        published += PUSH_BYTES;
        let is_here = reader
            .wait_for(PUSH_PAUSE, |state| state.messages.contains_key(&0))
            .await;
        if is_here || reader.state().ended.is_some() {
            break;
        }
    }
    let state = reader.state();
    let bytes = with_thousands(published as u64);
    let (text, value) = match (state.messages.contains_key(&0), &state.ended) {
        (true, _) => (
            format!("held back until {bytes} bytes were published"),
            Some(published as f64),
        ),
        (false, Some((at, why))) => (
            format!("never: after {}, {why}", time(*at - reader.opened_at)),
            None,
        ),
        (false, None) => (format!("held back, also after {bytes} bytes"), None),
    };
    Ok(Finding::new(
        FindingName::FirstEvent,
        Severity::Bad,
        text,
        value,
        Some(SiteProblem::Buffering),
    ))
}

fn compression(reader: &StreamReader) -> Finding {
    let state = reader.state();
    let Some((head, _)) = &state.head else {
        return Finding::unknown(FindingName::Compression, "unknown: there was no answer");
    };
    match head.encoding() {
        None => Finding::good(FindingName::Compression, "none", None),
        Some(coding) => Finding::new(
            FindingName::Compression,
            Severity::Warning,
            format!("{coding}: a compressor may also hold events back"),
            None,
            Some(SiteProblem::Compression),
        ),
    }
}

pub fn time(duration: Duration) -> String {
    time_us(duration.as_secs_f64() * 1e6)
}
