//! Admits a request, or refuses it with a reason: too many connections, no valid token, too many requests.
//!
//! Only the handler's extractors know the request's room, and they ask [`Requester`] whether it may be read. The
//! checks here run when only the head of the request has been read.
//!
//! [`Requester`]: crate::http::requester::Requester

use std::{future::ready, net::SocketAddr, sync::Arc, time::Duration};

use actix_web::{
    HttpMessage as _, ResponseError as _,
    body::{BoxBody, MessageBody},
    dev::{Service, ServiceRequest, ServiceResponse},
    http::{
        ConnectionType, Method, StatusCode,
        header::{self, HeaderValue},
    },
    web::{Data, Payload},
};
use futures_util::{FutureExt as _, TryFutureExt as _, future::Either};
use tokio::time::{Instant, timeout};

use super::{
    accounting::open_publish,
    authentication::{check_figures, identify, spend_ticket},
    lifetime::{GuardedBody, LimitedBody, StreamEnd, jittered},
    route_access::RouteAccess,
};
use crate::{
    access::identity::Identity,
    http::{
        extractors::{connection_of, single_field},
        json::MAX_BODY_BYTES,
        policy::Policy,
        problem::Problem,
        routed_path::routed_path,
    },
    limits::{connections::ProxiedPermit, refusals::RefusalReason},
    net::host::is_host,
};

/// How long a refused request's body may take to arrive.
const UNREAD_BODY_TIMEOUT: Duration = Duration::from_secs(1);

/// The limits on the answer to an admitted request.
struct AnswerLimits {
    /// The longest that a stream may last, and what then ends it.
    stream_limit: Option<(Duration, StreamEnd)>,
    permit: Option<ProxiedPermit>,
}

pub fn admit<S, B>(
    request: ServiceRequest,
    next: &S,
) -> impl Future<Output = actix_web::Result<ServiceResponse<BoxBody>>> + use<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error>,
    B: MessageBody + 'static,
{
    let connection = connection_of(request.request());
    let refusal = connection.as_ref().and_then(|it| it.refusal());
    let refusal = match refusal {
        Some(reason) => Some(connection_refused(reason)),
        // actix-http has parsed this request already, as it was sent ahead.
        None => connection
            .is_some_and(|it| it.is_input_ignored())
            .then(after_last_answer),
    };
    if let Some(problem) = refusal {
        let mut response = request.into_response(problem.error_response());
        let head = response.response_mut().head_mut();
        head.set_connection_type(ConnectionType::Close);
        return Either::Right(ready(Ok(response)).boxed_local());
    }
    match check(&request) {
        Ok(limits) => {
            let response = next.call(request);
            Either::Left(response.map_ok(|response| limits.apply(response)))
        }
        Err(problem) => Either::Right(refuse(request, problem).map(Ok).boxed_local()),
    }
}

/// The answer to a request that follows one whose answer said that the connection ends (RFC 9112, 9.6). Its client
/// ignores it, and sends the request again on another connection.
fn after_last_answer() -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "the connection ended with an earlier answer; nothing was done for this request",
    )
}

/// Admits the request, or says why not.
fn check(request: &ServiceRequest) -> Result<AnswerLimits, Problem> {
    let policy = request.app_data::<Data<Policy>>();
    let policy = policy.expect("the application has a policy");
    check_host(request)?;
    let required = RouteAccess::of(request);
    let identity = identify(request, required, policy);
    if required != RouteAccess::Public {
        let known = identity.as_ref().ok().and_then(Option::as_ref);
        check_rate(request, known, policy)?;
    }
    if identity.is_err() {
        policy.refusals.count(RefusalReason::Token);
    }
    let identity = identity.and_then(|it| check_figures(required, it, policy))?;
    if routed_path(request) == "/messages" && request.method() == Method::POST {
        open_publish(request);
    }
    let permit = client_permit(request, required, policy)?;
    let stream_limit = match routed_path(request) {
        "/stream" => stream_limit(identity.as_deref(), policy),
        _ => None,
    };
    if let Some(identity) = identity {
        spend_ticket(request, policy)?;
        request.extensions_mut().insert(identity);
    }
    Ok(AnswerLimits {
        stream_limit,
        permit,
    })
}

/// RFC 9112, 3.2. Over HTTP/1.1, actix-http has refused a request without the field, or with two.
pub fn check_host(request: &ServiceRequest) -> Result<(), Problem> {
    let host = single_field(request.request(), &header::HOST, "Host")?;
    match host.is_none_or(|host| is_host(host.as_bytes())) {
        true => Ok(()),
        false => {
            let detail = "`Host` is not a host with or without a port";
            Err(Problem::new(StatusCode::BAD_REQUEST, detail).field("Host"))
        }
    }
}

/// The longest that a stream may last: as long as its token, or up to the maximum age of connections.
fn stream_limit(identity: Option<&Identity>, policy: &Policy) -> Option<(Duration, StreamEnd)> {
    let token = identity.map(|it| (it.lasts_for(), StreamEnd::Token));
    let age = policy.max_connection_age.map(jittered);
    let age = age.map(|age| (age, StreamEnd::Age));
    token.into_iter().chain(age).min_by_key(|(limit, _)| *limit)
}

impl AnswerLimits {
    /// Ends a stream in time, and keeps the permit as long as the answer's body.
    fn apply<B>(self, response: ServiceResponse<B>) -> ServiceResponse<BoxBody>
    where
        B: MessageBody + 'static,
    {
        let is_ok = response.status() == StatusCode::OK;
        response.map_body(|_, body| {
            // A token may be valid for longer than there are instants; the stream has no limit then.
            let limit = self.stream_limit.filter(|_| is_ok);
            let limit =
                limit.and_then(|(limit, end)| Some((Instant::now().checked_add(limit)?, end)));
            let body = match limit {
                None => body.boxed(),
                Some((at, end)) => LimitedBody::boxed(body.boxed(), at, end),
            };
            match self.permit {
                None => body,
                Some(permit) => GuardedBody::boxed(body, permit),
            }
        })
    }
}

fn check_rate(
    request: &ServiceRequest,
    identity: Option<&Arc<Identity>>,
    policy: &Policy,
) -> Result<(), Problem> {
    let (Some(table), refusal) = policy.rate_limit(request) else {
        return Ok(());
    };
    let identity = identity.map(|it| &**it);
    let Some(key) = Policy::rate_key(identity, || policy.client_of(request.request())) else {
        return Ok(());
    };
    table.check(key).map_err(|wait| {
        policy.refusals.count(refusal);
        Policy::over_rate(refusal, wait)
    })
}

/// While a proxy's request is open, counts it as a connection of the client that the proxy names.
fn client_permit(
    request: &ServiceRequest,
    required: RouteAccess,
    policy: &Policy,
) -> Result<Option<ProxiedPermit>, Problem> {
    if matches!(required, RouteAccess::Public | RouteAccess::Plan)
        || !policy.limits_clients_of_proxies()
    {
        return Ok(None);
    }
    let is_proxy = |it: SocketAddr| policy.proxies.contains(it.ip());
    if !request.peer_addr().is_some_and(is_proxy) {
        return Ok(None);
    }
    let Some(client) = policy.client_of(request.request()) else {
        return Ok(None);
    };
    match policy.connections.admit_behind_proxy(client) {
        Some(permit) => Ok(Some(permit)),
        None => {
            policy.refusals.count(RefusalReason::ConnectionsPerClient);
            Err(connection_refused(RefusalReason::ConnectionsPerClient))
        }
    }
}

fn connection_refused(refusal: RefusalReason) -> Problem {
    let (status, whose) = match refusal {
        RefusalReason::Connections => (StatusCode::SERVICE_UNAVAILABLE, "the server has"),
        _ => (StatusCode::TOO_MANY_REQUESTS, "this client has"),
    };
    let detail = format!(
        "{whose} reached its limit of connections (--{})",
        refusal.as_str()
    );
    Problem::new(status, detail)
        .header(header::RETRY_AFTER, HeaderValue::from_static("5"))
        .limit(refusal.as_str())
}

/// Answers without a handler. A small body is read nevertheless: otherwise the connection could not be used again,
/// and a proxy's connection serves many clients.
async fn refuse(mut request: ServiceRequest, problem: Problem) -> ServiceResponse<BoxBody> {
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length: Option<usize> = length.and_then(|length| length.to_str().ok()?.parse().ok());
    if length.is_some_and(|length| (1..=MAX_BODY_BYTES).contains(&length))
        && let Ok(body) = request.extract::<Payload>().await
    {
        let connection = connection_of(request.request());
        let need_input = |is_needed| connection.iter().for_each(|it| it.need_input(is_needed));
        need_input(true);
        // If the body does not arrive in time, the connection closes.
        let _ = timeout(UNREAD_BODY_TIMEOUT, body.to_bytes_limited(MAX_BODY_BYTES)).await;
        need_input(false);
    }
    request.into_response(problem.error_response())
}
