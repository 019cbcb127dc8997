//! `check`: tests what is between a browser and a server. It sends streams, long-polls and polls through it, and each
//! finding has a figure.
//!
//! ```text
//! check ──> delivery · lifetime · resume · polls · cors ──> stream_reader ──> redirect ──> site
//!       ──> recognize ──> proxy   who is in between, and which line of its configuration to change
//!       ──> findings   the report
//! ```

mod cors;
mod delivery;
pub mod findings;
mod lifetime;
mod polls;
mod proxy;
mod recognize;
mod redirect;
mod resume;
mod site;
mod stream_reader;
pub mod text;

use std::time::Duration;

use anyhow::Result;

pub use self::findings::CheckReport;
use self::{
    delivery::Delivery,
    findings::{Finding, FindingName},
    proxy::Proxy,
    site::Site,
};
use crate::Profile;

/// The server to check, and the settings of the check.
#[derive(Debug, Clone)]
pub struct CheckOptions {
    pub url: String,
    pub profile: Profile,
    /// How long silence and age are tested.
    pub patience: Duration,
    /// Whether the check must not publish.
    pub read_only: bool,
    /// Whether any certificate is accepted.
    pub insecure: bool,
}

/// Checks the server at an address. Delivery is checked first, because it shows whether the profile matches; the other
/// checks then run at the same time.
///
/// # Errors
///
/// If the server cannot be tested: it cannot be reached, its profile does not match, or it accepts no message.
pub async fn check(options: &CheckOptions) -> Result<CheckReport> {
    let site = Site::find(options)?;
    let protocol = site.protocol().await?;
    let proxy = recognize::recognize(&site).await;
    let mut findings = vec![protocol];
    // If the profile does not match, one sentence says what is wrong.
    let others = match delivery::check(&site).await? {
        Delivery::Stream(delivery) => {
            let others = async { Ok(others(&site).await) };
            let (mut lifetime, resume, others) =
                tokio::try_join!(lifetime::check(&site), resume::check(&site), others)?;
            if resume.is_lossless {
                lifetime.iter_mut().for_each(lifetime::tolerate_cut);
            }
            findings.extend(delivery);
            findings.extend(lifetime);
            findings.push(resume.finding);
            others
        }
        Delivery::NoStream(refusal) => {
            let unknown = |name| Finding::unknown(name, "unknown: there is no event stream");
            findings.push(refusal);
            findings.extend(FindingName::OF_STREAMS.map(unknown));
            others(&site).await
        }
    };
    findings.extend(others);
    let proxy = proxy.or_else(|| site.proxy_seen());
    for finding in &mut findings {
        finding.advise(proxy);
    }
    Ok(CheckReport::new(
        options,
        proxy.map(Proxy::name),
        site.server(),
        findings,
    ))
}

/// The lines that are not about streams.
async fn others(site: &Site) -> [Finding; 3] {
    let all = tokio::join!(
        polls::longest_long_poll(site),
        polls::caching(site),
        cors::check(site),
    );
    all.into()
}
