//! How long a long-poll may wait, and whether something answers polls from a cache.

use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http::{Request, header};
use tokio::time::{Instant, timeout};

use super::{
    delivery::time,
    findings::{Finding, FindingName, Severity},
    proxy::SiteProblem,
    site::{CheckRoom, RESPONSE_TIMEOUT, Site},
};
use crate::{
    Transport,
    http::{error::Timeout, head::Head, meter::NoMeter},
    target::requests::{PollRequest, PollResponse},
};

/// The longest that a long-poll asks to wait.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// An answer that comes before this share of the requested wait was cut.
const EARLY: f64 = 0.9;
const MESSAGE_BYTES: usize = 100;

/// A poll's answer, or why there is none.
type PollAnswer = Result<(Head, Vec<u8>)>;

async fn request_within(site: &Site, request: Request<Bytes>, within: Duration) -> PollAnswer {
    let asking = async {
        let mut connection = site.connect().await?;
        let head = connection.send(request, &mut NoMeter).await?;
        let body = connection.body(&mut NoMeter).await?;
        anyhow::Ok((head, body))
    };
    timeout(within, asking).await.map_err(|_| Timeout)?
}

/// The cursor of the log's end.
async fn start(site: &Site, poll_request: &PollRequest, part: &str) -> Result<Vec<Option<String>>> {
    let mut cursor = poll_request.first_cursor();
    if let Some(start) = poll_request.start() {
        let answer = request_within(site, start, RESPONSE_TIMEOUT).await;
        let (head, body) = answer.with_context(|| format!("{part} failed"))?;
        site.see(&head.headers);
        site.ensure_found(part, &head)?;
        poll_request.advance(
            &mut cursor,
            &PollResponse {
                headers: &head.headers,
                body: &body,
                has_messages: false,
            },
        );
    }
    Ok(cursor)
}

pub async fn longest_long_poll(site: &Site) -> Result<Finding> {
    if !site.has(Transport::LongPoll) {
        return Ok(Finding::unknown(
            FindingName::LongPoll,
            "the profile has none",
        ));
    }
    let wait = site.patience.min(LONGEST_WAIT);
    let room = site.room("l", wait);
    let poll_request = site.poll_request(&room, Transport::LongPoll)?;
    let cursor = start(site, &poll_request, "long-poll").await?;
    let begin = Instant::now();
    let answer = request_within(
        site,
        poll_request.request(&cursor)?,
        wait + RESPONSE_TIMEOUT,
    )
    .await;
    let took = begin.elapsed();
    let is_early = took < wait.mul_f64(EARLY);
    let cut = |how: String| {
        Finding::new(
            FindingName::LongPoll,
            Severity::Warning,
            format!("cut after {}: {how}", time(took)),
            Some(took.as_secs_f64()),
            Some(SiteProblem::Silence),
        )
    };
    Ok(match answer {
        Ok((head, _)) if head.status / 100 == 2 || matches!(head.status, 304 | 408) => {
            let text = match is_early {
                true => format!("answered after {} without a message", time(took)),
                false => format!("survives {} (the longest time tried)", time(took)),
            };
            Finding::good(FindingName::LongPoll, text, Some(took.as_secs_f64()))
        }
        Ok((head, _)) => {
            site.ensure_found("long-poll", &head)?;
            cut(format!("the answer was {}", head.status))
        }
        Err(error) => cut(format!("{error:#}")),
    })
}

pub async fn caching(site: &Site) -> Result<Finding> {
    if !site.has(Transport::Poll) {
        return Ok(Finding::unknown(
            FindingName::PollCache,
            "the profile has no polls",
        ));
    }
    let room = site.room("c", Duration::ZERO);
    let poll_request = site.poll_request(&room, Transport::Poll)?;
    let cursor = start(site, &poll_request, "poll").await?;
    let request = poll_request.request(&cursor)?;
    let (head, _) = request_within(site, request.clone(), RESPONSE_TIMEOUT).await?;
    site.see(&head.headers);
    site.ensure_found("poll", &head)?;
    let said = head
        .text(&header::CACHE_CONTROL)
        .unwrap_or_else(|| "none".to_owned());
    if site.read_only {
        return Ok(Finding::unknown(
            FindingName::PollCache,
            format!("unknown: nothing was published (Cache-Control: {said})"),
        ));
    }
    let (again, is_fresh) = after_a_message(site, &room, request).await?;
    if is_fresh {
        return Ok(Finding::good(
            FindingName::PollCache,
            format!("none: the server answers each poll afresh (Cache-Control: {said})"),
            None,
        ));
    }
    let age = again.text(&header::AGE);
    let age = age.map_or(String::new(), |age| format!(", Age: {age}"));
    Ok(Finding::new(
        FindingName::PollCache,
        Severity::Warning,
        format!(
            "a poll got an old answer, from before a message was published (Cache-Control: {said}{age})"
        ),
        None,
        Some(SiteProblem::PollCache),
    ))
}

/// Publishes a message and polls again. Returns whether the answer has the message.
async fn after_a_message(
    site: &Site,
    room: &CheckRoom,
    request: Request<Bytes>,
) -> Result<(Head, bool)> {
    site.publish(room, 0, MESSAGE_BYTES).await?;
    let begin = Instant::now();
    loop {
        let (head, body) = request_within(site, request.clone(), RESPONSE_TIMEOUT).await?;
        let mut is_fresh = false;
        room.tag.each(&body, |_| is_fresh = true);
        // A store may take a moment to show a message.
        if is_fresh || begin.elapsed() > Duration::from_secs(1) {
            return Ok((head, is_fresh));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
