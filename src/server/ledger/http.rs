//! `GET /ledger` and `GET /metrics`: the figures as JSON, and for Prometheus.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{self, CacheControl, CacheDirective},
    },
    web,
};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{ClientLabel, Ledger, counts::Account, prometheus};
use crate::{http::error::Problem, log::Log};

pub async fn ledger(
    request: HttpRequest,
    ledger: web::Data<Ledger>,
) -> Result<HttpResponse, Problem> {
    let json = match client_label(&request)? {
        None => as_json(&ledger, &ledger.totals),
        Some(label) => {
            let account = ledger.known_client(&label).ok_or_else(|| {
                let detail = "no request carried this client label, or too long ago";
                Problem::new(StatusCode::NOT_FOUND, detail).field("client")
            })?;
            as_json(&ledger, &account)
        }
    };
    Ok(HttpResponse::Ok()
        .insert_header(CacheControl(vec![CacheDirective::NoStore]))
        .json(json))
}

/// `GET /trace`: what the server saw of a client that asked for it, after the event `after`.
pub async fn trace(
    request: HttpRequest,
    ledger: web::Data<Ledger>,
) -> Result<HttpResponse, Problem> {
    let client = client_label(&request)?
        .ok_or_else(|| Problem::bad_field("client", "says whose trace, and is missing"))?;
    let after = form_urlencoded::parse(request.query_string().as_bytes())
        .find(|(name, _)| name == "after")
        .map(|(_, seq)| seq.parse::<u64>())
        .transpose()
        .map_err(|_| Problem::bad_field("after", "must be the `seq` of an event, or 0"))?
        .unwrap_or(0);
    let trace = ledger.traces.known(&client).ok_or_else(|| {
        let detail = "this client asked for no trace (`trace=1`), or too long ago";
        Problem::new(StatusCode::NOT_FOUND, detail).field("client")
    })?;
    let (seq, events) = trace.after(after);
    let lost = seq.saturating_sub(after) - events.len() as u64;
    let now_us = Timestamp::now().as_microsecond();
    Ok(HttpResponse::Ok()
        .insert_header(CacheControl(vec![CacheDirective::NoStore]))
        .json(json!({
            "client": client.as_str(), "now_us": now_us, "seq": seq, "lost": lost, "events": events,
        })))
}

/// The client label in a request's query, where there is one.
pub fn client_label(request: &HttpRequest) -> Result<Option<ClientLabel>, Problem> {
    form_urlencoded::parse(request.query_string().as_bytes())
        .find(|(name, _)| name == "client")
        .map(|(_, label)| label.parse())
        .transpose()
        .map_err(|why| Problem::bad_field("client", why))
}

fn as_json(ledger: &Ledger, account: &Account) -> Value {
    let transports: Map<String, Value> = account
        .figures()
        .into_iter()
        .map(|(transport, figures)| (transport.as_str().to_owned(), json!(figures)))
        .collect();
    let (since, now) = (ledger.since, Timestamp::now());
    json!({
        "since": format!("{since:.6}"), "now": format!("{now:.6}"), "transports": transports,
        "scope": "server",
    })
}

pub async fn metrics(
    ledger: web::Data<Ledger>,
    log: web::Data<Log>,
) -> Result<HttpResponse, Problem> {
    let text = prometheus::encode(ledger.into_inner(), log.into_inner())
        .map_err(|error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, prometheus::CONTENT_TYPE))
        .insert_header(CacheControl(vec![CacheDirective::NoStore]))
        .body(text))
}
