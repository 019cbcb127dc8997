//! Answers with 500 where a handler panics. Otherwise the panic would end the worker, with all its connections.

use std::panic::AssertUnwindSafe;

use actix_web::{body::MessageBody, dev::ServiceResponse, error::ErrorInternalServerError};
use futures_util::FutureExt as _;

pub fn catch_panic<F, B>(response: F) -> impl Future<Output = actix_web::Result<ServiceResponse<B>>>
where
    F: Future<Output = actix_web::Result<ServiceResponse<B>>>,
    B: MessageBody,
{
    // The future is dropped after a panic, so no code can see it half changed.
    AssertUnwindSafe(response)
        .catch_unwind()
        .map(|caught| caught.unwrap_or_else(|_| Err(ErrorInternalServerError(""))))
}

#[cfg(test)]
mod tests {
    use actix_web::{App, HttpResponse, dev::Service as _, http::StatusCode, test, web};

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
        let error = error.expect_err("the panic");
        assert_eq!(
            error.as_response_error().status_code(),
            StatusCode::INTERNAL_SERVER_ERROR
        );
        let sound = test::call_service(&app, request().uri("/sound").to_request()).await;
        assert_eq!(sound.status(), StatusCode::OK);
    }
}
