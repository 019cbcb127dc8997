//! What is at which address. Plain polls never come here: [`crate::transport::poller`] answers them.

use actix_web::{
    HttpRequest, HttpResponse, ResponseError as _,
    http::{
        StatusCode,
        header::{self, CacheControl, CacheDirective, HeaderValue},
    },
    web::{self, ServiceConfig},
};

use crate::{
    http::error::Problem,
    http::lab,
    http::plan::plan,
    http::publish::publish,
    ledger::http::{ledger, metrics, trace},
    presence::{followers::put_followers, http::presence},
    transport::{Served, poll::poll, stream::stream},
};

pub fn routes(app: &mut ServiceConfig, page: lab::Page) {
    let only = |method: &'static str| web::to(move || async move { wrong_method(method) });
    app.service(
        web::resource("/poll")
            .get(poll)
            .default_service(only("GET")),
    )
    .service(
        web::resource("/stream")
            .get(stream)
            .default_service(only("GET")),
    )
    .service(
        web::resource("/messages")
            .post(publish)
            .default_service(only("POST")),
    )
    .service(
        web::resource("/ledger")
            .get(ledger)
            .default_service(only("GET")),
    )
    .service(
        web::resource("/presence")
            .get(presence)
            .default_service(only("GET")),
    )
    .service(
        web::resource("/presence/along")
            .put(put_followers)
            .default_service(only("PUT")),
    )
    .service(
        web::resource("/trace")
            .get(trace)
            .default_service(only("GET")),
    )
    .service(
        web::resource("/metrics")
            .get(metrics)
            .default_service(only("GET")),
    )
    .service(
        web::resource("/plan")
            .get(plan)
            .default_service(only("GET")),
    )
    .service(
        web::resource("/healthz")
            .get(healthz)
            .default_service(only("GET")),
    )
    .service(
        web::resource("/readyz")
            .get(readyz)
            .default_service(only("GET")),
    );
    for resource in lab::resources(page) {
        app.service(resource.default_service(only("GET, HEAD")));
    }
    app.default_service(web::to(not_found));
}

/// The process is up.
pub async fn healthz() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(CacheControl(vec![CacheDirective::NoStore]))
        .body("ok\n")
}

/// The store answers, and the server is here to stay.
async fn readyz(served: web::Data<Served>) -> Result<HttpResponse, Problem> {
    if served.drain.is_on() {
        return Err(
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the server is stopping")
                .header(header::RETRY_AFTER, HeaderValue::from_static("1")),
        );
    }
    served.log.ready().await?;
    Ok(HttpResponse::Ok()
        .insert_header(CacheControl(vec![CacheDirective::NoStore]))
        .body("ok\n"))
}

async fn not_found(request: HttpRequest) -> HttpResponse {
    // Whoever follows a link or mistypes an address is better served with a way on.
    if lab::is_browser(&request) {
        return lab::astray(request.path());
    }
    let detail = format!("there is nothing at {}", request.path());
    Problem::new(StatusCode::NOT_FOUND, detail).error_response()
}

fn wrong_method(allowed: &'static str) -> HttpResponse {
    let detail = format!("this address takes {allowed} only");
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail)
        .header(header::ALLOW, HeaderValue::from_static(allowed))
        .error_response()
}
