//! How long a stream lasts: without a byte, and in total. Two streams are open at the same time: one of a room
//! without messages, and one that gets a message now and then. Only age can end the second one.

use std::time::Duration;

use anyhow::Result;
use tokio::time::{Instant, sleep};

use super::{
    delivery::time,
    findings::{Finding, FindingName, Severity},
    proxy::SiteProblem,
    site::{CheckRoom, Site},
    stream_reader::StreamReader,
};

/// The pause between two messages of the busy stream.
const BUSY_PAUSE: Duration = Duration::from_secs(1);
/// How often a waiting check polls its condition.
const POLL_INTERVAL: Duration = Duration::from_millis(50);
const MESSAGE_BYTES: usize = 100;
/// Two streams whose ages at the end differ by less than this share ended for the same reason: a limit that varies by
/// a fifth in both directions, as servers use it to spread reconnects, lets them differ by a third.
const SAME: f64 = 0.35;
/// Events that are rarer than this are ordinary, so nothing ends a stream for a shorter silence.
const SHORTEST_SILENCE_LIMIT: Duration = Duration::from_secs(1);

/// How long one stream lasted, and its silences.
#[derive(Debug, Clone, Copy)]
struct StreamLifetime {
    /// The time from its beginning until it was cut.
    cut_at: Option<Duration>,
    /// The silence before it was cut, or before the check ended.
    silence_at_end: Duration,
    /// The longest silence that it survived.
    longest_gap: Duration,
}

/// The lines on silence and age.
pub async fn check(site: &Site) -> Result<Vec<Finding>> {
    let quiet_room = site.room("q", Duration::ZERO);
    let busy_room = site.room("b", Duration::ZERO);
    let quiet = async {
        let reader = StreamReader::open(site, &quiet_room, None).await?;
        anyhow::Ok(live(site, reader).await)
    };
    let busy = async {
        if site.read_only {
            return anyhow::Ok(None);
        }
        let reader = StreamReader::open(site, &busy_room, None).await?;
        tokio::select! {
            life = live(site, reader) => Ok(Some(life)),
            Err(error) = keep_busy(site, &busy_room) => Err(error),
        }
    };
    let (quiet, busy) = tokio::try_join!(quiet, busy)?;
    Ok(vec![silence(site, quiet, busy), age(site, quiet, busy)])
}

/// Rates a cut as a nuisance: the browser reconnects by itself, and its stream resumes without a loss.
pub fn tolerate_cut(finding: &mut Finding) {
    if finding.result == Severity::Bad {
        finding.result = Severity::Warning;
        finding.text += "; a browser reconnects, and loses nothing";
    }
}

/// Waits until the stream is cut, or for the time of the check.
async fn live(site: &Site, reader: StreamReader) -> StreamLifetime {
    let begin = reader.opened_at;
    loop {
        let state = reader.state();
        let last = state.last_byte_at.unwrap_or(begin);
        let cut_at = state.ended.as_ref().map(|(at, _)| *at);
        if cut_at.is_some() || begin.elapsed() >= site.patience {
            let end = cut_at.unwrap_or_else(Instant::now);
            return StreamLifetime {
                cut_at: cut_at.map(|at| at - begin),
                silence_at_end: end.saturating_duration_since(last),
                longest_gap: state.longest_gap,
            };
        }
        sleep(POLL_INTERVAL).await;
    }
}

async fn keep_busy(site: &Site, room: &CheckRoom) -> Result<()> {
    for sequence in 0.. {
        site.publish(room, sequence, MESSAGE_BYTES).await?;
        sleep(BUSY_PAUSE).await;
    }
    Ok(())
}

/// Whether the quiet stream was cut because it was quiet.
fn died_of_silence(quiet: StreamLifetime, busy: Option<StreamLifetime>) -> bool {
    let Some(cut_at) = quiet.cut_at else {
        return false;
    };
    // A silence that one of the streams survived was not the reason for the cut.
    let survived = busy.map_or(quiet.longest_gap, |busy| {
        busy.longest_gap.max(quiet.longest_gap)
    });
    if quiet.silence_at_end <= survived.max(SHORTEST_SILENCE_LIMIT) {
        return false;
    }
    match busy.and_then(|busy| busy.cut_at) {
        Some(busy_cut_at) => {
            let apart = busy_cut_at.as_secs_f64() - cut_at.as_secs_f64();
            apart > SAME * busy_cut_at.as_secs_f64()
        }
        None => true,
    }
}

fn silence(site: &Site, quiet: StreamLifetime, busy: Option<StreamLifetime>) -> Finding {
    if died_of_silence(quiet, busy) {
        return Finding::new(
            FindingName::Silence,
            Severity::Bad,
            format!("cut after {} without a byte", time(quiet.silence_at_end)),
            Some(quiet.silence_at_end.as_secs_f64()),
            Some(SiteProblem::Silence),
        );
    }
    let endured = quiet.longest_gap.max(match quiet.cut_at {
        None => quiet.silence_at_end,
        Some(_) => Duration::ZERO,
    });
    let is_broken = endured < site.patience.mul_f64(0.9);
    let why = match (is_broken, quiet.cut_at) {
        (false, _) => "the longest time tried",
        (true, None) => "the server sends keep-alives, so longer silence does not occur",
        (true, Some(_)) => "the stream ended because of its age",
    };
    Finding::good(
        FindingName::Silence,
        format!("survives {} ({why})", time(endured)),
        Some(endured.as_secs_f64()),
    )
}

fn age(site: &Site, quiet: StreamLifetime, busy: Option<StreamLifetime>) -> Finding {
    let is_silence = died_of_silence(quiet, busy);
    if is_silence && busy.is_none() {
        return Finding::unknown(
            FindingName::Age,
            "unknown: the stream was cut for its silence, and nothing was published",
        );
    }
    let although = match busy.and_then(|busy| busy.cut_at) {
        Some(_) => ", although events came",
        None => ", and not for its silence",
    };
    // A limit that varies may spare the busy stream until the check ends.
    let of_age = busy
        .and_then(|busy| busy.cut_at)
        .or(quiet.cut_at.filter(|_| !is_silence));
    match of_age {
        Some(cut_at) => Finding::new(
            FindingName::Age,
            Severity::Bad,
            format!("cut after {}{although}", time(cut_at)),
            Some(cut_at.as_secs_f64()),
            Some(SiteProblem::Age),
        ),
        None => Finding::good(
            FindingName::Age,
            format!("survives {} (the longest time tried)", time(site.patience)),
            Some(site.patience.as_secs_f64()),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn life(cut_at: Option<f64>, silence: f64, gap: f64) -> StreamLifetime {
        StreamLifetime {
            cut_at: cut_at.map(Duration::from_secs_f64),
            silence_at_end: Duration::from_secs_f64(silence),
            longest_gap: Duration::from_secs_f64(gap),
        }
    }

    #[test]
    fn silence_and_age_are_distinguished() {
        let alive = life(None, 0.5, 1.0);
        assert!(died_of_silence(life(Some(5.0), 5.0, 0.0), Some(alive)));
        let old = life(Some(10.0), 0.3, 1.0);
        assert!(!died_of_silence(life(Some(10.1), 10.0, 0.0), Some(old)));
        assert!(died_of_silence(life(Some(5.0), 5.0, 0.0), Some(old)));
        assert!(!died_of_silence(life(None, 20.0, 0.0), Some(alive)));
        // Without a busy stream.
        assert!(died_of_silence(life(Some(5.0), 5.0, 0.0), None));
        assert!(!died_of_silence(life(Some(40.0), 10.0, 15.0), None));
    }

    #[test]
    fn an_age_limit_that_varies_is_not_taken_for_a_limit_on_silence() {
        // The server's last bytes came just before the end.
        let quiet = life(Some(4.1), 61.6e-6, 4.1);
        assert!(!died_of_silence(quiet, Some(life(Some(5.9), 0.9, 1.0))));
        assert!(!died_of_silence(quiet, Some(life(None, 0.1, 1.0))));
        assert!(!died_of_silence(quiet, None));
        // It sent nothing before the end.
        let quiet = life(Some(4.0), 4.0, 0.0);
        assert!(!died_of_silence(quiet, Some(life(Some(6.0), 0.9, 1.0))));
        // No silence is blamed that the busy stream survived, or that is shorter than the pauses of ordinary events.
        let short = life(Some(3.0), 0.9, 0.1);
        assert!(!died_of_silence(short, Some(life(None, 0.1, 1.0))));
        assert!(!died_of_silence(short, None));
    }
}
