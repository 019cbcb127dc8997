//! Sends a request that no HTTP server may accept, and recognises the sender of the refusal: a proxy does not forward
//! such a request.

use std::time::Duration;

use tokio::time::timeout;

use super::{proxy::Proxy, site::Site};
use crate::http::raw;

/// How long to wait for the answer to an invalid request.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(3);

/// The proxy, if it can be recognised. Other checks find out whether the site can be reached at all.
pub async fn recognize(site: &Site) -> Option<Proxy> {
    let endpoint = &site.endpoint;
    let nonsense = format!(
        "GET /\u{1} HTTP/1.1\r\nHost: {}\r\n\r\n",
        endpoint.authority
    );
    let answer = timeout(RESPONSE_TIMEOUT, raw::ask(endpoint, nonsense.as_bytes())).await;
    Proxy::of_error_page(&answer.ok()?.ok()?)
}
