//! `PUT /presence/along`: who reads along with a stream.
//!
//! Tabs of one browser share a stream, so the server sees one reader where there are several. The one
//! that holds the stream says who they are, all of them each time.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use serde::Deserialize;

use super::{Follower, Presence};
use crate::{
    domain::client_label::ClientLabel, domain::room::Room, http::body, http::error::Problem,
};

/// More tabs than a browser is used with.
const MAX_ALONG: usize = 32;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FollowersBody {
    room: Option<String>,
    client: String,
    along: Vec<Reader>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reader {
    client: String,
    author: Option<String>,
}

pub async fn put_followers(
    request: HttpRequest,
    payload: web::Payload,
    presence: web::Data<Presence>,
) -> Result<HttpResponse, Problem> {
    let json = body::json(&request, payload).await?;
    let report: FollowersBody = serde_json::from_value(json)
        .map_err(|error| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string()))?;
    let room: Option<Result<Room, _>> = report.room.map(|room| room.parse());
    let room = room
        .transpose()
        .map_err(|why| bad("room")(why.to_owned()))?
        .unwrap_or_default();
    let client = label(&report.client, "client")?;
    if report.along.len() > MAX_ALONG {
        let why = format!("must name at most {MAX_ALONG} readers");
        return Err(bad("along")(why));
    }
    let along = report.along.into_iter().map(Reader::checked);
    let along = along.collect::<Result<Vec<_>, _>>()?;
    presence
        .set_followers(&room, &client, along)
        .ok_or_else(|| {
            let detail = "this client has no stream open in this room, on this server";
            Problem::new(StatusCode::NOT_FOUND, detail).field("client")
        })?;
    Ok(HttpResponse::NoContent().finish())
}

impl Reader {
    fn checked(self) -> Result<Follower, Problem> {
        let author = self.author.map(|author| author.parse()).transpose();
        Ok(Follower {
            client: label(&self.client, "along")?,
            author: author.map_err(bad("along"))?,
        })
    }
}

fn label(text: &str, field: &'static str) -> Result<ClientLabel, Problem> {
    text.parse().map_err(|why: &str| bad(field)(why.to_owned()))
}

/// A field that is not what it must be.
fn bad(field: &'static str) -> impl Fn(String) -> Problem {
    move |why| {
        let detail = format!("`{field}` {why}");
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail).field(field)
    }
}
