//! `GET /trace`: the recorded events of a client that asked for a trace, after the event `after`.

use actix_web::{HttpRequest, HttpResponse, Responder, http::StatusCode, web::Data};
use jiff::Timestamp;
use serde_json::json;

use super::{
    extractors::{ClientParameter, parameter},
    problem::Problem,
    requester::Requester,
};
use crate::{delivery::read_query::InvalidField, ledger::Ledger};

pub async fn trace(
    request: HttpRequest,
    requester: Requester,
    client: ClientParameter,
    ledger: Data<Ledger>,
) -> Result<impl Responder, Problem> {
    let missing = || {
        InvalidField::new(
            "client",
            "is required: it names the client whose trace to return",
        )
    };
    let client = client.0.ok_or_else(missing)?;
    let after: Option<u64> = parameter(request.query_string(), "after")
        .map_err(|_| InvalidField::new("after", "must be the `seq` of an event, or 0"))?;
    let after = after.unwrap_or(0);
    let trace = ledger.traces.find(&client);
    let trace = trace
        .filter(|trace| requester.may_know(&trace.rooms))
        .ok_or_else(|| {
            let detail =
                "no client with this label asked for a trace (`trace=1`), or it was too long ago";
            Problem::new(StatusCode::NOT_FOUND, detail).field("client")
        })?;
    let (seq, events) = trace.after(after);
    let lost = seq.saturating_sub(after) - events.len() as u64;
    let now_us = Timestamp::now().as_microsecond();
    Ok(HttpResponse::Ok().json(json!({
        "client": client.as_str(), "now_us": now_us, "seq": seq, "lost": lost, "events": events,
    })))
}
