//! `PUT /presence/along`: the tabs that share a stream.
//!
//! Tabs of one browser share a stream, so the server sees one reader instead of several. The tab that holds the
//! stream reports the others, each time with the complete list.

use std::fmt::Display;

use actix_web::{HttpResponse, Responder, http::StatusCode, web::Data};
use serde::{Deserialize, de::IgnoredAny};

use super::{json::Json, problem::Problem, requester::Requester};
use crate::{
    domain::{client_label::ClientLabel, json_fields::JsonFields, room::Room},
    presence::{Follower, Presence},
};

/// More tabs than a browser usually has.
const MAX_FOLLOWERS: usize = 32;
const ALONG: &str = "along";

/// The value of a field of the report.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum ReportValue {
    Text(Option<String>),
    Followers(Vec<JsonFields<Option<String>>>),
    Other(IgnoredAny),
}

pub async fn put_followers(
    requester: Requester,
    body: Json<JsonFields<ReportValue>>,
    presence: Data<Presence>,
) -> Result<impl Responder, Problem> {
    let mut report = body.0;
    let room: Option<Result<Room, _>> = text(&mut report, "room")?.map(|room| room.parse());
    let room = room.transpose().map_err(bad("room"))?.unwrap_or_default();
    let client = text(&mut report, "client")?.ok_or_else(|| bad("client")("is missing"))?;
    let client = label(&client, "client")?;
    let followers = match report.take(ALONG).map_err(bad(ALONG))? {
        Some(ReportValue::Followers(followers)) => followers,
        _ => return Err(bad(ALONG)("must be a list of readers")),
    };
    if let Some(unknown) = report.first_name() {
        return Err(bad(unknown)("is not a field of this report"));
    }
    requester.check_read([&room], Some(&client))?;
    if followers.len() > MAX_FOLLOWERS {
        let why = format!("must name at most {MAX_FOLLOWERS} readers");
        return Err(bad(ALONG)(why));
    }
    let followers = followers.into_iter().map(follower);
    let followers = followers.collect::<Result<Vec<_>, _>>()?;
    presence
        .set_followers(&room, &client, followers)
        .ok_or_else(|| {
            let detail = "this client has no stream open in this room, on this server";
            Problem::new(StatusCode::NOT_FOUND, detail).field("client")
        })?;
    Ok(HttpResponse::NoContent())
}

/// A text among the fields of the report.
fn text(
    report: &mut JsonFields<ReportValue>,
    name: &'static str,
) -> Result<Option<String>, Problem> {
    match report.take(name) {
        Ok(None) => Ok(None),
        Ok(Some(ReportValue::Text(text))) => Ok(text),
        Ok(Some(_)) => Err(bad(name)("must be a string")),
        Err(why) => Err(bad(name)(why)),
    }
}

fn follower(mut fields: JsonFields<Option<String>>) -> Result<Follower, Problem> {
    let mut take = |name: &str| {
        let text = fields.take(name);
        text.map(Option::flatten)
            .map_err(|why| bad(ALONG)(format!("has a reader whose `{name}` {why}")))
    };
    let (client, author) = (take("client")?.unwrap_or_default(), take("author")?);
    if let Some(unknown) = fields.first_name() {
        let why = format!("has a reader with `{unknown}`, which is not a field of one");
        return Err(bad(ALONG)(why));
    }
    let author = author.map(|author| author.parse()).transpose();
    Ok(Follower {
        client: label(&client, ALONG)?,
        author: author.map_err(bad(ALONG))?,
    })
}

fn label(text: &str, field: &'static str) -> Result<ClientLabel, Problem> {
    text.parse().map_err(bad(field))
}

/// The error for an invalid field.
fn bad<W: Display>(field: &str) -> impl Fn(W) -> Problem {
    move |why| {
        let detail = format!("`{field}` {why}");
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail).field(field.to_owned())
    }
}
