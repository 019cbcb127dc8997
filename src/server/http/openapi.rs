//! `GET /openapi.json`: all routes with their parameters, answers and problems, as OpenAPI 3.1. Tests check the
//! document against the routes and run its examples.

use actix_web::{HttpResponse, Responder, http::header::ContentType};

const DOCUMENT: &str = include_str!("openapi.json");

pub async fn openapi() -> impl Responder {
    HttpResponse::Ok()
        .content_type(ContentType::json())
        .body(DOCUMENT)
}
