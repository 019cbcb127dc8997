//! Adds `Cache-Control: no-store`, unless a handler has set another value.

use actix_web::{
    dev::ServiceResponse,
    http::header::{CACHE_CONTROL, HeaderValue},
};

pub fn forbid_storing<B>(mut response: ServiceResponse<B>) -> ServiceResponse<B> {
    let headers = response.headers_mut();
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}
