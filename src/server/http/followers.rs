//! `PUT /presence/along`: the tabs that share a stream.
//!
//! Tabs of one browser share a stream, so the server sees one reader instead of several. The tab that holds the
//! stream reports the others, each time with the complete list.

use actix_web::{HttpResponse, Responder, http::StatusCode, web::Data};
use serde::Deserialize;

use super::{json::Json, problem::Problem, requester::Requester};
use crate::{
    domain::{client_label::ClientLabel, room::Room},
    presence::{Follower, Presence},
};

/// More tabs than a browser usually has.
const MAX_FOLLOWERS: usize = 32;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FollowersBody {
    room: Option<String>,
    client: String,
    along: Vec<FollowerEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FollowerEntry {
    client: String,
    author: Option<String>,
}

pub async fn put_followers(
    requester: Requester,
    body: Json<FollowersBody>,
    presence: Data<Presence>,
) -> Result<impl Responder, Problem> {
    let body = body.0;
    let room: Option<Result<Room, _>> = body.room.map(|room| room.parse());
    let room = room
        .transpose()
        .map_err(|why| bad("room")(why.to_owned()))?
        .unwrap_or_default();
    let client = label(&body.client, "client")?;
    requester.check_read([&room], Some(&client))?;
    if body.along.len() > MAX_FOLLOWERS {
        let why = format!("must name at most {MAX_FOLLOWERS} readers");
        return Err(bad("along")(why));
    }
    let followers = body.along.into_iter().map(FollowerEntry::validate);
    let followers = followers.collect::<Result<Vec<_>, _>>()?;
    presence
        .set_followers(&room, &client, followers)
        .ok_or_else(|| {
            let detail = "this client has no stream open in this room, on this server";
            Problem::new(StatusCode::NOT_FOUND, detail).field("client")
        })?;
    Ok(HttpResponse::NoContent())
}

impl FollowerEntry {
    fn validate(self) -> Result<Follower, Problem> {
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

/// The error for a field with an invalid value.
fn bad(field: &'static str) -> impl Fn(String) -> Problem {
    move |why| {
        let detail = format!("`{field}` {why}");
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail).field(field)
    }
}
