//! Whether the instrument agrees with the other programs: the median of the rounds must, single rounds may not.

use anyhow::{Result, ensure};

use super::harness::report::{
    spread::spread,
    trust::{Figure, Referee, TrustRow},
};

/// The largest deviation of a median.
const SHARE: f64 = 0.05;

/// Refuses rows of which a median deviates too much.
pub fn ensure_agreement(rows: &[TrustRow]) -> Result<()> {
    let mut deviating = Vec::new();
    for row in rows.iter().filter(|row| row.round == 1 && must_agree(row)) {
        let same = |other: &&TrustRow| (other.figure, other.referee) == (row.figure, row.referee);
        let off = rows.iter().filter(same);
        let off = off.filter_map(|row| Some(row.own? / row.other - 1.0));
        if let Some(off) = spread(off)
            && off.median.abs() > SHARE
        {
            let name = format!("{:?} by {:?}", row.figure, row.referee);
            deviating.push(format!("{name} {:+.1} %", off.median * 100.0));
        }
    }
    ensure!(
        deviating.is_empty(),
        "medians deviate by more than {:.0} %: {}",
        SHARE * 100.0,
        deviating.join(", ")
    );
    Ok(())
}

/// Under two load generators the server's CPU differs, because the spacing of requests decides how often it wakes up.
fn must_agree(row: &TrustRow) -> bool {
    !matches!(
        (row.figure, row.referee),
        (Figure::BusyPollCpu, Referee::Wrk) | (Figure::DeliveryCpu, Referee::Curl)
    )
}
