//! Whether pages of other origins may read.

use std::time::Duration;

use anyhow::Result;
use http::{HeaderValue, header};
use tokio::time::timeout;

use super::{
    findings::{Finding, FindingName},
    redirect,
    site::{RESPONSE_TIMEOUT, Site},
};
use crate::http::{error::Timeout, head::Head};

/// An origin that no server knows.
const ORIGIN: &str = "http://another-origin.invalid";

pub async fn check(site: &Site) -> Finding {
    let name = FindingName::Cors;
    let head = match head(site).await {
        Ok(head) if head.status == 200 => head,
        Ok(head) => {
            return Finding::unknown(name, format!("unknown: {}", head.unexpected_status()));
        }
        Err(error) => return Finding::unknown(name, format!("unknown: {error:#}")),
    };
    Finding::good(
        name,
        match head.text(&header::ACCESS_CONTROL_ALLOW_ORIGIN) {
            None => "only pages of the server's own origin may read".to_owned(),
            Some(all) if all == "*" => {
                "pages of every origin may read (*), without cookies".to_owned()
            }
            Some(own) if own == ORIGIN => "pages of every origin may read".to_owned(),
            Some(other) => format!("pages of {other} may read"),
        },
        None,
    )
}

/// The head of the answer to a page of that origin.
async fn head(site: &Site) -> Result<Head> {
    let room = site.room("o", Duration::ZERO);
    let mut request = site.stream_request(&room)?.request(None)?;
    let origin = HeaderValue::from_static(ORIGIN);
    request.headers_mut().insert(header::ORIGIN, origin);
    let asking = async {
        let connection = site.connect().await?;
        let (_, head) = redirect::send(&site.endpoint, connection, request).await?;
        anyhow::Ok(head)
    };
    timeout(RESPONSE_TIMEOUT, asking)
        .await
        .map_err(|_| Timeout)?
}
