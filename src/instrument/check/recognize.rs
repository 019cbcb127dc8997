//! Sends a request that no HTTP server may take, and looks at who refuses it: a proxy does so by itself.

use std::time::Duration;

use tokio::time::timeout;

use super::{proxy::Proxy, site::Site};
use crate::http::raw;

/// How long an answer to nonsense is waited for.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(3);

/// The proxy, if it gives itself away. Whether the site can be asked at all is found out elsewhere.
pub async fn recognize(site: &Site) -> Option<Proxy> {
    let endpoint = &site.endpoint;
    let nonsense = format!(
        "GET /\u{1} HTTP/1.1\r\nHost: {}\r\n\r\n",
        endpoint.authority
    );
    let answer = timeout(RESPONSE_TIMEOUT, raw::ask(endpoint, nonsense.as_bytes())).await;
    Proxy::of_error_page(&answer.ok()?.ok()?)
}
