//! The sender of a request, for the handlers: what the sender may read, publish and see.

use std::{
    future::{Ready, ready},
    sync::Arc,
    time::Duration,
};

use actix_web::{
    FromRequest, HttpMessage as _, HttpRequest, dev::Payload, http::StatusCode, web::Data,
};

use super::{
    policy::{Policy, policy_of},
    problem::Problem,
};
use crate::{
    access::identity::Identity,
    domain::{client_label::ClientLabel, room::Room},
    ledger::{Ledger, client_rooms::ClientRooms},
    limits::refusals::RefusalReason,
};

/// The sender of a request.
#[derive(Clone)]
pub struct Requester {
    policy: Option<Data<Policy>>,
    ledger: Option<Data<Ledger>>,
    /// `None` if the server does not use tokens, or the request has none.
    identity: Option<Arc<Identity>>,
}

impl Requester {
    pub fn from_request(request: &HttpRequest) -> Self {
        Self {
            policy: policy_of(request).cloned(),
            ledger: request.app_data().cloned(),
            identity: request.extensions().get::<Arc<Identity>>().cloned(),
        }
    }

    /// Returns an error if the sender may not read all of these rooms. `client` is the sender's label.
    pub fn check_read<'a>(
        &self,
        rooms: impl IntoIterator<Item = &'a Room> + Clone,
        client: Option<&ClientLabel>,
    ) -> Result<(), Problem> {
        self.check(rooms, client, Identity::may_read, "read")
    }

    /// The same for publishing in one room.
    pub fn check_publish(&self, room: &Room, client: Option<&ClientLabel>) -> Result<(), Problem> {
        self.check([room], client, Identity::may_publish, "publish in")
    }

    /// Whether the sender may see what a client did, because it may read all `rooms` that the client was in.
    pub fn may_know(&self, rooms: &ClientRooms) -> bool {
        let access = self
            .policy
            .as_ref()
            .and_then(|policy| policy.access.as_ref());
        match (access, &self.identity) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(_), Some(identity)) => {
                identity.may_read_all() || rooms.all(|room| identity.may_read(room))
            }
        }
    }

    /// How long the sender's token lasts, if it needs one.
    pub fn lasts_for(&self) -> Option<Duration> {
        self.identity.as_ref().map(|it| it.lasts_for())
    }

    fn check<'a>(
        &self,
        rooms: impl IntoIterator<Item = &'a Room> + Clone,
        client: Option<&ClientLabel>,
        may: fn(&Identity, &Room) -> bool,
        act: &str,
    ) -> Result<(), Problem> {
        let Some(policy) = &self.policy else {
            return Ok(());
        };
        if policy.access.is_none() {
            return Ok(());
        }
        for room in rooms.clone() {
            if !self.identity.as_ref().is_some_and(|it| may(it, room)) {
                policy.refusals.count(RefusalReason::Room);
                let detail = format!("the token does not allow you to {act} the room {room}");
                return Err(Problem::new(StatusCode::FORBIDDEN, detail).field("room"));
            }
        }
        if let (Some(client), Some(ledger)) = (client, &self.ledger) {
            ledger.clients.open(client).record_rooms(rooms);
        }
        Ok(())
    }
}

impl FromRequest for Requester {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::from_request(request)))
    }
}
