//! What is at which address. Polls are answered in front of the router: see [`answer`].

use std::sync::Arc;

use actix_http::Request;
use actix_utils::future::Either;
use actix_web::{
    HttpRequest, HttpResponse, ResponseError as _,
    body::{BoxBody, MessageBody},
    dev::{Response, Service, ServiceResponse},
    http::{
        Method, StatusCode,
        header::{self, CacheControl, CacheDirective, HeaderValue},
    },
    web::{self, ServiceConfig},
};

use crate::{
    error::Problem,
    lab,
    ledger::{
        connection::Connection,
        http::{ledger, metrics, trace},
    },
    log::Log,
    presence::http::presence,
    publish::publish,
    transport::{Served, poll::poll, stream::stream},
};

/// Answers a request: a poll by itself, everything else through `app`.
///
/// An empty poll costs so little that routing, extractors and middleware would be a part of it that
/// shows; it has no use for them.
pub fn answer<A, B>(
    request: Request,
    app: &A,
    served: &Arc<Served>,
) -> impl Future<Output = Result<Response<BoxBody>, A::Error>> + use<A, B>
where
    A: Service<Request, Response = ServiceResponse<B>>,
    B: MessageBody + 'static,
{
    let is_poll = request.method() == Method::GET && request.path() == "/poll";
    let connection = Connection::of_bare(&request).filter(|_| is_poll).cloned();
    match connection {
        Some(connection) => {
            let answer = poll(request, &connection, served);
            Either::left(async move { Ok(answer.await.into()) })
        }
        None => {
            let answer = app.call(request);
            Either::right(async move { Ok(answer.await?.map_into_boxed_body().into()) })
        }
    }
}

pub fn routes(app: &mut ServiceConfig) {
    let only = |method: &'static str| web::to(move || async move { wrong_method(method) });
    app.service(web::resource("/poll").default_service(only("GET")))
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
            web::resource("/healthz")
                .get(healthz)
                .default_service(only("GET")),
        )
        .service(
            web::resource("/readyz")
                .get(readyz)
                .default_service(only("GET")),
        );
    for resource in lab::resources() {
        app.service(resource.default_service(only("GET, HEAD")));
    }
    app.default_service(web::to(not_found));
}

/// The process is up.
async fn healthz() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(CacheControl(vec![CacheDirective::NoStore]))
        .body("ok\n")
}

/// The store answers.
async fn readyz(log: web::Data<Log>) -> Result<HttpResponse, Problem> {
    Arc::clone(&log).ready().await?;
    Ok(HttpResponse::Ok()
        .insert_header(CacheControl(vec![CacheDirective::NoStore]))
        .body("ok\n"))
}

async fn not_found(request: HttpRequest) -> HttpResponse {
    let detail = format!("there is nothing at {}", request.path());
    Problem::new(StatusCode::NOT_FOUND, detail).error_response()
}

fn wrong_method(allowed: &'static str) -> HttpResponse {
    let detail = format!("this address takes {allowed} only");
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail)
        .header(header::ALLOW, HeaderValue::from_static(allowed))
        .error_response()
}
