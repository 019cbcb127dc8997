//! `GET /presence`: who is in a room.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{CacheControl, CacheDirective},
    web,
};

use super::Presence;
use crate::{domain::room::Room, http::error::Problem};

pub async fn presence(
    request: HttpRequest,
    presence: web::Data<Presence>,
) -> Result<HttpResponse, Problem> {
    let room = form_urlencoded::parse(request.query_string().as_bytes())
        .find(|(name, _)| name == "room")
        .map(|(_, room)| room.parse::<Room>())
        .transpose()
        .map_err(|why| Problem::bad_field("room", why))?;
    Ok(HttpResponse::Ok()
        .insert_header(CacheControl(vec![CacheDirective::NoStore]))
        .content_type("application/json")
        .body(presence.json(&room.unwrap_or_default())))
}
