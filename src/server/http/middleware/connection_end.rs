//! What a request's head says about its connection: that it must end, or that it could be upgraded.
//!
//! This server upgrades to nothing: it answers a request that offers an upgrade like any other, and says that the
//! connection ends with the answer. actix-http would repeat the offer in its answer and close the connection, which a
//! client cannot expect (RFC 9112, 9.6). Libraries offer HTTP/2 on each connection's first request, and proxies are
//! often configured to offer WebSocket on all.
//!
//! If requests were sent ahead, actix-http knows only what the last one says about the connection. So an earlier answer
//! may be the last one; what follows is then not served ([`admit`](super::admission::admit)).

use actix_web::{
    dev::{ServiceRequest, ServiceResponse},
    http::{ConnectionType, Version, header::UPGRADE},
};

/// Returns what to do with the answer to `request`.
pub fn close_when_asked<B>(
    request: &ServiceRequest,
) -> impl FnOnce(ServiceResponse<B>) -> ServiceResponse<B> + use<B> {
    let is_websocket = offers_websocket(request);
    let is_last = match request.head().connection_type() {
        ConnectionType::KeepAlive => is_websocket,
        ConnectionType::Upgrade | ConnectionType::Close => true,
    };
    move |mut response| {
        if is_last && response.request().version() < Version::HTTP_2 {
            let head = response.response_mut().head_mut();
            head.set_connection_type(ConnectionType::Close);
            if is_websocket {
                // actix-http would announce chunks and write none.
                head.no_chunking(true);
            }
        }
        response
    }
}

fn offers_websocket(request: &ServiceRequest) -> bool {
    let mut offers = request.headers().get_all(UPGRADE);
    offers.any(|offer| {
        offer
            .as_bytes()
            .trim_ascii()
            .eq_ignore_ascii_case(b"websocket")
    })
}
