//! `GET /healthz` and `GET /readyz`: whether the process is up, and whether it can serve.

use actix_web::{
    HttpResponse, Responder,
    http::{
        StatusCode,
        header::{self, ContentType, HeaderValue},
    },
    web::Data,
};

use super::problem::Problem;
use crate::delivery::Delivery;

/// The process is up.
pub async fn healthz() -> impl Responder {
    ok()
}

/// The store answers, and the server is not stopping.
pub async fn readyz(delivery: Data<Delivery>) -> Result<impl Responder, Problem> {
    if delivery.drain.is_draining() {
        let stopping = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the server is stopping");
        return Err(stopping.header(header::RETRY_AFTER, HeaderValue::from_static("1")));
    }
    delivery.log.ready().await?;
    Ok(ok())
}

fn ok() -> HttpResponse {
    HttpResponse::Ok()
        .content_type(ContentType::plaintext())
        .body("ok\n")
}
