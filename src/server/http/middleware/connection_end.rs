//! What a request says of its connection: that it shall end, or that it could be upgraded.
//!
//! Nothing here can be upgraded to: a request that offers it is answered as any other, and the answer
//! says that the connection ends with it. actix-http repeats the offer in its answer and closes, which a
//! client cannot know (RFC 9112, 9.6). Libraries offer HTTP/2 on each connection's first request, and proxies
//! are configured to offer WebSocket on all.
//!
//! Of requests that were sent ahead, actix-http knows only what the last one says of the connection.

use actix_web::{
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{ConnectionType, Version, header::UPGRADE},
    middleware::Next,
};

pub async fn close_when_asked(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> actix_web::Result<ServiceResponse<impl MessageBody>> {
    let is_websocket = offers_websocket(&request);
    let is_last = match request.head().connection_type() {
        ConnectionType::KeepAlive => is_websocket,
        ConnectionType::Upgrade | ConnectionType::Close => true,
    };
    let mut response = next.call(request).await?;
    if is_last && response.request().version() < Version::HTTP_2 {
        let head = response.response_mut().head_mut();
        head.set_connection_type(ConnectionType::Close);
        if is_websocket {
            // actix-http would announce chunks and write none.
            head.no_chunking(true);
        }
    }
    Ok(response)
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
