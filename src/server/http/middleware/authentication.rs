//! Who sent a request: by its token, its ticket or its cookie.

use std::{sync::Arc, time::Duration};

use actix_web::{
    dev::ServiceRequest,
    http::{
        Method, StatusCode,
        header::{self, HeaderValue},
    },
};

use super::route_access::RouteAccess;
use crate::{
    access::{Access, identity::Identity, tokens::TokenError},
    http::{
        credentials::{Credentials, TICKET_PARAMETER, is_from_allowed_page},
        policy::Policy,
        problem::Problem,
    },
    limits::refusals::RefusalReason,
};

/// The sender's identity. `None`: the request has no token, and needs none.
pub fn identify(
    request: &ServiceRequest,
    required: RouteAccess,
    policy: &Policy,
) -> Result<Option<Arc<Identity>>, Problem> {
    let Some(access) = &policy.access else {
        return Ok(None);
    };
    let needs_token = match required {
        RouteAccess::Public | RouteAccess::Plan => return Ok(None),
        RouteAccess::Metrics => !policy.public_metrics,
        RouteAccess::Conversation | RouteAccess::Trace | RouteAccess::Tickets => true,
    };
    if !needs_token {
        return Ok(None);
    }
    verify(request, required, access, policy).map(Some)
}

fn verify(
    request: &ServiceRequest,
    required: RouteAccess,
    access: &Access,
    policy: &Policy,
) -> Result<Arc<Identity>, Problem> {
    let holder = |token| {
        let (table, limit) = policy.rate_limit(request);
        let may_verify = || Policy::may_verify(table, || policy.client_of(request.request()));
        let holder = access.verify(token, may_verify);
        holder.map_err(|error| match error {
            // The token may be valid, and the client may be within its rate again when that is checked.
            TokenError::NotVerified => Policy::over_rate(limit, Duration::ZERO),
            error => invalid_token(&error.to_string()),
        })
    };
    match Credentials::from_request(request)? {
        Credentials::Bearer(bearer) => holder(bearer),
        Credentials::Ticket(_) if required == RouteAccess::Tickets => Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "a ticket is issued for a token, not for another ticket",
        )
        .field(TICKET_PARAMETER)),
        Credentials::Ticket(ticket) => access.tickets.holder(&ticket).ok_or_else(invalid_ticket),
        Credentials::Cookie(cookie) => {
            let identity = holder(cookie)?;
            let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
            if changes && !is_from_allowed_page(request.headers(), &policy.origins) {
                let detail = "a token in a cookie is accepted from pages of this server's origin, or \
                              of those in --cors-origin, only; send it as `Authorization: Bearer`";
                return Err(Problem::new(StatusCode::FORBIDDEN, detail).field("Origin"));
            }
            Ok(identity)
        }
        Credentials::None => {
            let detail = "a token is needed: as `Authorization: Bearer`, as the cookie \
                          `poll_vs_sse_token`, or as a `ticket`";
            let challenge = HeaderValue::from_static("Bearer");
            Err(Problem::new(StatusCode::UNAUTHORIZED, detail)
                .header(header::WWW_AUTHENTICATE, challenge))
        }
    }
}

/// Uses up the ticket of a request that is admitted. One that is refused, for its rate for example, may come again.
pub fn spend_ticket(request: &ServiceRequest, policy: &Policy) -> Result<(), Problem> {
    if let Some(access) = &policy.access
        && let Credentials::Ticket(ticket) = Credentials::from_request(request)?
        && access.tickets.spend(&ticket).is_none()
    {
        policy.refusals.count(RefusalReason::Token);
        return Err(invalid_ticket());
    }
    Ok(())
}

fn invalid_ticket() -> Problem {
    invalid_token("the ticket was already used, has expired, or was issued by another server")
        .field(TICKET_PARAMETER)
}

fn invalid_token(detail: &str) -> Problem {
    let challenge = HeaderValue::from_static("Bearer error=\"invalid_token\"");
    Problem::new(StatusCode::UNAUTHORIZED, detail).header(header::WWW_AUTHENTICATE, challenge)
}

/// If the operator says so, not everyone may see the figures of all clients.
pub fn check_figures(
    required: RouteAccess,
    identity: Option<Arc<Identity>>,
    policy: &Policy,
) -> Result<Option<Arc<Identity>>, Problem> {
    // A client's trace is treated like the figures of all clients, unless the client's rooms decide.
    let is_metrics = required == RouteAccess::Metrics
        || (required == RouteAccess::Trace && policy.access.is_none());
    if policy.public_metrics || !is_metrics {
        return Ok(identity);
    }
    match identity.as_ref().is_some_and(|it| it.may_read_all()) {
        true => Ok(identity),
        false => {
            let detail = "only tokens that may read every room may see the figures of all clients";
            Err(Problem::new(StatusCode::FORBIDDEN, detail))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use actix_web::test::TestRequest;

    use super::*;
    use crate::{
        access::{JwtRules, keys::KeySource, origins::AllowedOrigins},
        limits::{
            Limits,
            rates::{Rate, RateKey},
        },
    };

    #[test]
    fn a_token_that_is_not_verified_for_its_clients_rate_is_not_called_invalid() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("secret");
        std::fs::write(&path, "a secret of more than thirty-two bytes").expect("written");
        let access = Access::new(JwtRules {
            keys: KeySource::Secret(path),
            audience: None,
            issuer: None,
        });
        let mut limits = Limits::default();
        limits.rates.read = Rate::per_second(NonZeroU32::MIN);
        let policy = Policy::new(Some(access.expect("a key")), AllowedOrigins::None, limits);
        let request = TestRequest::get()
            .uri("/poll")
            .peer_addr("192.0.2.1:1".parse().expect("an address"))
            .insert_header((header::AUTHORIZATION, "Bearer a.b.c"))
            .to_srv_request();
        let status = || {
            let identity = identify(&request, RouteAccess::Conversation, &policy);
            identity.err().map(|problem| problem.status())
        };
        assert_eq!(status(), Some(StatusCode::UNAUTHORIZED));
        let address = policy.client_of(request.request()).expect("an address");
        let rate = policy.read_rate.as_ref().expect("a rate");
        assert!(rate.check(RateKey::Address(address)).is_ok());
        assert_eq!(status(), Some(StatusCode::TOO_MANY_REQUESTS));
    }
}
