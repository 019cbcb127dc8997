//! Answers with 500 where a handler panics. Otherwise the panic would end the worker, with all its connections.

use std::panic::AssertUnwindSafe;

use actix_web::{
    body::MessageBody,
    dev::ServiceResponse,
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
};
use futures_util::FutureExt as _;

use crate::http::problem::Problem;

pub fn catch_panic<F, B>(response: F) -> impl Future<Output = actix_web::Result<ServiceResponse<B>>>
where
    F: Future<Output = actix_web::Result<ServiceResponse<B>>>,
    B: MessageBody,
{
    // The future is dropped after a panic, so no code can see it half changed.
    AssertUnwindSafe(response)
        .catch_unwind()
        .map(|caught| caught.unwrap_or_else(|_| Err(panicked().into())))
}

/// Complete as it is, because the middleware outside sees an error and not an answer.
fn panicked() -> Problem {
    let detail = "this is a defect of the server; its standard error says where";
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
        .header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))
}

#[cfg(test)]
mod tests {
    use actix_web::{App, HttpResponse, dev::Service as _, test, web};

    use super::*;

    async fn broken() -> HttpResponse {
        panic!("a defect")
    }

    #[actix_web::test]
    async fn a_panic_is_answered_with_500_and_does_not_end_the_worker() {
        let app = App::new()
            .wrap_fn(|request, next| catch_panic(next.call(request)))
            .route("/broken", web::get().to(broken))
            .route("/sound", web::get().to(HttpResponse::Ok));
        let app = test::init_service(app).await;
        let request = || test::TestRequest::get();
        let error = app.call(request().uri("/broken").to_request()).await;
        let answer = error.expect_err("the panic").error_response();
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let caching = answer.headers().get(header::CACHE_CONTROL);
        assert_eq!(caching.expect("a field"), "no-store");
        let sound = test::call_service(&app, request().uri("/sound").to_request()).await;
        assert_eq!(sound.status(), StatusCode::OK);
    }
}
