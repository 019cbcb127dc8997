//! `GET /presence`: who is in a room.

use actix_web::{HttpResponse, Responder, http::header::ContentType, web::Data};

use super::extractors::RoomParameter;
use crate::presence::Presence;

pub async fn presence(room: RoomParameter, presence: Data<Presence>) -> impl Responder {
    HttpResponse::Ok()
        .content_type(ContentType::json())
        .body(presence.json(&room.0))
}
