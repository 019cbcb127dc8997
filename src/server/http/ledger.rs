//! `GET /ledger`: the figures as JSON.

use actix_web::{HttpResponse, Responder, http::StatusCode, web::Data};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{extractors::ClientParameter, problem::Problem, requester::Requester};
use crate::ledger::{
    Ledger,
    counters::{Account, CounterTable},
};

pub async fn ledger(
    requester: Requester,
    client: ClientParameter,
    ledger: Data<Ledger>,
) -> Result<impl Responder, Problem> {
    let Some(label) = client.0 else {
        return Ok(HttpResponse::Ok().json(document(&ledger, &ledger.totals)));
    };
    let client = ledger.clients.find(&label);
    let client = client
        .filter(|client| requester.may_know(&client.rooms))
        .ok_or_else(|| {
            let detail = "no request had this client label, or it was too long ago";
            Problem::new(StatusCode::NOT_FOUND, detail).field("client")
        })?;
    Ok(HttpResponse::Ok().json(document(&ledger, &client.counters)))
}

fn document(ledger: &Ledger, counters: &CounterTable) -> Value {
    let transports = Account::ALL.map(|account| {
        let protocols = counters.protocols(account).into_iter();
        let protocols: Map<String, Value> = protocols
            .map(|(protocol, figures)| (protocol.as_str().to_owned(), json!(figures)))
            .collect();
        let mut figures = json!(counters.total(account));
        figures["protocols"] = protocols.into();
        (account.as_str().to_owned(), figures)
    });
    let transports: Map<String, Value> = transports.into_iter().collect();
    let (since, now) = (ledger.since, Timestamp::now());
    json!({
        "since": format!("{since:.6}"), "now": format!("{now:.6}"), "transports": transports,
        "scope": "server",
    })
}
