//! A [`Problem`] as the answer to a request.

use actix_web::{HttpResponse, ResponseError, body::BoxBody, http::StatusCode};

use crate::delivery::problem::PROBLEM_CONTENT_TYPE;
pub use crate::delivery::problem::Problem;

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        let mut response = HttpResponse::build(self.status());
        response.content_type(PROBLEM_CONTENT_TYPE);
        if self.is_last() {
            response.force_close();
        }
        if let Some((name, value)) = self.extra_header() {
            response.insert_header((name, value));
        }
        response.body(self.to_json())
    }
}
