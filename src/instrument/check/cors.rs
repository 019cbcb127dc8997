//! Whether pages of other origins may read.

use std::time::Duration;

use anyhow::Result;
use http::{HeaderValue, header};
use tokio::time::timeout;

use super::{
    findings::{Finding, FindingName},
    site::{RESPONSE_TIMEOUT, Site},
};
use crate::http::{error::Timeout, meter::NoMeter};

/// An origin that no server knows.
const ORIGIN: &str = "http://another-origin.invalid";

pub async fn check(site: &Site) -> Result<Finding> {
    let room = site.room("o", Duration::ZERO);
    let mut request = site.stream_request(&room)?.request(None)?;
    let origin = HeaderValue::from_static(ORIGIN);
    request.headers_mut().insert(header::ORIGIN, origin);
    let asking = async {
        let mut connection = site.connect().await?;
        anyhow::Ok(connection.send(request, &mut NoMeter).await?)
    };
    let head = match timeout(RESPONSE_TIMEOUT, asking).await.map_err(|_| Timeout) {
        Ok(Ok(head)) => head,
        Ok(Err(error)) => {
            return Ok(Finding::unknown(
                FindingName::Cors,
                format!("unknown: {error:#}"),
            ));
        }
        Err(error) => {
            return Ok(Finding::unknown(
                FindingName::Cors,
                format!("unknown: {error}"),
            ));
        }
    };
    Ok(Finding::good(
        FindingName::Cors,
        match head.text(&header::ACCESS_CONTROL_ALLOW_ORIGIN) {
            None => "only pages of the server's own origin may read".to_owned(),
            Some(all) if all == "*" => {
                "pages of every origin may read (*), without cookies".to_owned()
            }
            Some(own) if own == ORIGIN => "pages of every origin may read".to_owned(),
            Some(other) => format!("pages of {other} may read"),
        },
        None,
    ))
}
