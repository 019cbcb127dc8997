//! The files that browsers and crawlers request from every site: `/robots.txt` and `/favicon.ico`.

use actix_web::{
    HttpResponse, Responder,
    http::header::{CacheControl, CacheDirective, ContentType},
};

/// The page may be indexed; the conversations may not, and a crawler on `/stream` would never end.
const ROBOTS: &str = "User-agent: *\nAllow: /$\nDisallow: /\n";
const MAX_AGE_S: u32 = 24 * 3600;

pub async fn robots() -> impl Responder {
    HttpResponse::Ok()
        .content_type(ContentType::plaintext())
        .insert_header(CacheControl(vec![CacheDirective::MaxAge(MAX_AGE_S)]))
        .body(ROBOTS)
}

/// The page names its icon itself.
pub async fn favicon() -> impl Responder {
    HttpResponse::NoContent()
        .insert_header(CacheControl(vec![CacheDirective::MaxAge(MAX_AGE_S)]))
        .finish()
}
