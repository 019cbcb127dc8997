//! Nothing here can be upgraded to: a request that offers it is answered as any other, and the answer
//! says that the connection ends with it.
//!
//! actix-http repeats the offer in its answer and closes, which a client cannot know (RFC 9112, 9.6).
//! Libraries offer HTTP/2 on each connection's first request, and proxies are configured to offer
//! WebSocket on all.

use actix_web::{
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{ConnectionType, header::UPGRADE},
    middleware::Next,
};

pub async fn close_on_upgrade(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> actix_web::Result<ServiceResponse<impl MessageBody>> {
    let is_websocket = offers_websocket(&request);
    let is_offered = is_websocket || request.head().upgrade();
    let mut response = next.call(request).await?;
    if is_offered {
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
