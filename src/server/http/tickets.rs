//! `POST /tickets`: issues a ticket to a token's holder. The ticket replaces the token once, in an address.

use std::sync::Arc;

use actix_web::{
    HttpMessage as _, HttpRequest, HttpResponse, Responder,
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
    web::Data,
};
use serde_json::json;

use super::{policy::Policy, problem::Problem};
use crate::{
    access::{
        identity::Identity,
        tickets::{TICKET_TTL, TicketError},
    },
    limits::refusals::RefusalReason,
};

pub async fn issue_ticket(
    request: HttpRequest,
    policy: Data<Policy>,
) -> Result<impl Responder, Problem> {
    let identity = request.extensions().get::<Arc<Identity>>().cloned();
    let (Some(access), Some(identity)) = (&policy.access, identity) else {
        let detail = "this server asks for no token, so there are no tickets";
        return Err(Problem::new(StatusCode::NOT_FOUND, detail));
    };
    let lasts_for = TICKET_TTL.min(identity.lasts_for()).as_secs();
    let ticket = access.tickets.issue(identity).inspect_err(|_| {
        policy.refusals.count(RefusalReason::Tickets);
    })?;
    Ok(HttpResponse::Ok().json(json!({"ticket": ticket, "expires_in": lasts_for})))
}

impl From<TicketError> for Problem {
    fn from(error: TicketError) -> Self {
        let status = match error {
            TicketError::TooManyOfOwner => StatusCode::TOO_MANY_REQUESTS,
            TicketError::TooMany | TicketError::NoRandomness => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, error.to_string())
            .header(header::RETRY_AFTER, HeaderValue::from_static("30"))
            .limit("tickets")
    }
}
