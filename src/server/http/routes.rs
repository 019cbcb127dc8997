//! The routes and the middleware around them.

use std::sync::Arc;

use actix_web::{
    App, FromRequest, Handler, HttpRequest, HttpResponse, Resource, Responder, ResponseError as _,
    body::MessageBody,
    dev::{Service as _, ServiceFactory, ServiceRequest, ServiceResponse},
    guard,
    http::{
        Method, StatusCode,
        header::{self, HeaderValue},
    },
    middleware::{Condition, from_fn},
    web::{self, Data, ServiceConfig},
};
use futures_util::{FutureExt as _, TryFutureExt as _};

use super::{
    conventions::{favicon, robots},
    extractors::connection_of,
    followers::put_followers,
    health::{healthz, readyz},
    lab,
    ledger::ledger,
    messages::publish,
    metrics::metrics,
    middleware::{
        accounting,
        admission::admit,
        connection_end::close_when_asked,
        cors::{self, cors},
        drain::close_when_draining,
        faults::{self, FaultTargets},
        no_store::forbid_storing,
        panics::catch_panic,
    },
    openapi::openapi,
    plan::plan,
    policy::Policy,
    poll::poll,
    presence::presence,
    problem::Problem,
    stream::stream,
    tickets::issue_ticket,
    trace::trace,
};
use crate::{access::origins::AllowedOrigins, delivery::Delivery, ledger::Ledger};

/// The state of the handlers. Clones share it.
#[derive(Clone)]
pub struct AppState {
    pub delivery: Arc<Delivery>,
    pub ledger: Arc<Ledger>,
    pub faults: Arc<FaultTargets>,
    pub policy: Arc<Policy>,
    pub page: lab::EmbeddedPage,
}

/// The whole application, as `HttpServer::new` takes it.
pub fn app(
    state: AppState,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    let page = state.page;
    let cors_on = state.policy.origins != AllowedOrigins::None;
    let has_two_origins = state.policy.own_ports.is_some();
    let cors = cors(&state.policy.origins);
    App::new()
        .app_data(Data::from(state.delivery.clone()))
        .app_data(Data::from(state.delivery.log.clone()))
        .app_data(Data::from(state.delivery.presence.clone()))
        .app_data(Data::from(state.ledger))
        .app_data(Data::from(state.faults))
        .app_data(Data::from(state.policy))
        .configure(|app| routes(app, page))
        // The last one is the outermost.
        .wrap_fn(|request, next| catch_panic(next.call(request)))
        .wrap_fn(faults::apply)
        .wrap_fn(admit)
        .wrap(Condition::new(cors_on, cors))
        .wrap(Condition::new(cors_on, from_fn(cors::complete)))
        .wrap(Condition::new(
            has_two_origins,
            from_fn(cors::allow_own_page),
        ))
        // These are functions of the answer. As generic functions of the service that they wrap, each would repeat that
        // service's type in its own, and the names of the types would fill gigabytes of debug info.
        .wrap_fn(|request, next| next.call(request).map_ok(forbid_storing))
        .wrap_fn(|request, next| {
            let close = close_when_asked(&request);
            next.call(request).map_ok(close)
        })
        .wrap_fn(|request, next| next.call(request).map_ok(close_when_draining))
        .wrap_fn(|request, next| {
            let record = accounting::record(&request);
            let answering = connection_of(request.request()).map(|it| it.begin_answer());
            next.call(request).map(|answer| {
                drop(answering);
                record(answer)
            })
        })
}

fn routes(app: &mut ServiceConfig, page: lab::EmbeddedPage) {
    app.service(readable("/poll", poll))
        .service(resource("/stream", &[Method::GET], stream))
        .service(resource("/messages", &[Method::POST], publish))
        .service(resource("/tickets", &[Method::POST], issue_ticket))
        .service(readable("/ledger", ledger))
        .service(readable("/presence", presence))
        .service(resource("/presence/along", &[Method::PUT], put_followers))
        .service(readable("/trace", trace))
        .service(readable("/plan", plan))
        .service(readable("/metrics", metrics))
        .service(readable("/openapi.json", openapi))
        .service(readable("/robots.txt", robots))
        .service(readable("/favicon.ico", favicon))
        .service(readable("/healthz", healthz))
        .service(readable("/readyz", readyz));
    for file in lab::files(page) {
        app.service(readable(
            &file.path(),
            move |request: HttpRequest| async move { file.serve(&request) },
        ));
    }
    app.default_service(web::to(not_found));
}

/// A resource for GET, and HEAD for its head alone.
pub fn readable<F, Args>(path: &str, handler: F) -> Resource
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    resource(path, &[Method::GET, Method::HEAD], handler)
}

/// A resource for these methods.
fn resource<F, Args>(path: &str, allowed: &'static [Method], handler: F) -> Resource
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    let is_allowed = guard::fn_guard(|request| allowed.contains(&request.head().method));
    web::resource(path)
        .route(web::route().guard(is_allowed).to(handler))
        .default_service(web::to(move || async move { method_not_allowed(allowed) }))
}

fn method_not_allowed(allowed: &[Method]) -> HttpResponse {
    let names: Vec<&str> = allowed.iter().map(Method::as_str).collect();
    let names = names.join(", ");
    let detail = format!("this address accepts only {names}");
    let allow = HeaderValue::try_from(names).expect("names of methods are visible ASCII");
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail)
        .header(header::ALLOW, allow)
        .error_response()
}

async fn not_found(request: HttpRequest) -> HttpResponse {
    // A person who follows a link or mistypes an address needs a way on.
    if lab::accepts_html(&request) {
        return lab::not_found_page(request.path());
    }
    let detail = format!("there is nothing at {}", request.path());
    Problem::new(StatusCode::NOT_FOUND, detail).error_response()
}
