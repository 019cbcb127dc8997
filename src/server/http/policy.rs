//! Who may use the server, how much, and from where: the effect of the flags for access and limits.

use std::{net::IpAddr, sync::Arc, time::Duration};

use actix_web::{
    HttpRequest,
    dev::ServiceRequest,
    http::{
        StatusCode,
        header::{self, HeaderMap},
    },
    web::Data,
};

use super::{problem::Problem, routed_path::routed_path};
use crate::{
    access::{
        Access,
        identity::Identity,
        origins::AllowedOrigins,
        own_origins::{OwnOrigins, OwnPorts},
    },
    domain::client_address::ClientAddress,
    limits::{
        Limits,
        connections::ConnectionCounter,
        rates::{RateKey, RateTable},
        refusals::{RefusalCounters, RefusalReason},
        trusted_proxies::TrustedProxies,
    },
};

/// The rules that every request is checked against.
pub struct Policy {
    /// `None`: everyone may read and publish.
    pub access: Option<Access>,
    pub origins: AllowedOrigins,
    /// The ports from which the page may read: set if the server listens for cleartext and for TLS, and asks for no
    /// token.
    pub own_ports: Option<OwnPorts>,
    pub publish_rate: Option<RateTable>,
    pub read_rate: Option<RateTable>,
    pub connections: Arc<ConnectionCounter>,
    pub proxies: TrustedProxies,
    pub max_connection_age: Option<Duration>,
    /// Whether readers may ask for faults.
    pub fault_injection: bool,
    /// Whether everyone may see the figures of all clients.
    pub public_metrics: bool,
    pub refusals: Arc<RefusalCounters>,
    limits_clients: bool,
}

impl Policy {
    pub fn new(access: Option<Access>, origins: AllowedOrigins, limits: Limits) -> Self {
        let limits_clients = limits.connections.per_client.is_some();
        Self {
            access,
            origins,
            own_ports: None,
            publish_rate: limits.rates.publish.map(RateTable::new),
            read_rate: limits.rates.read.map(RateTable::new),
            connections: Arc::new(ConnectionCounter::new(limits.connections)),
            proxies: TrustedProxies::new(limits.trusted_proxies),
            max_connection_age: limits.max_connection_age,
            fault_injection: limits.fault_injection,
            public_metrics: limits.public_metrics,
            refusals: Arc::default(),
            limits_clients,
        }
    }

    /// Whether requests to `/poll` and `/stream` need no check of their head or their duration.
    pub fn is_open_to_readers(&self) -> bool {
        self.access.is_none()
            && self.read_rate.is_none()
            && self.origins == AllowedOrigins::None
            && self.max_connection_age.is_none()
            && !self.limits_clients_of_proxies()
    }

    /// Whether the token and the connection's address are enough to admit a poll without an `Origin`.
    pub fn knows_readers_by_address(&self) -> bool {
        let by_address = self.limits_clients || self.read_rate.is_some();
        self.origins == AllowedOrigins::None && (self.proxies.is_empty() || !by_address)
    }

    /// The rate limit of a request, if there is one, and its name.
    pub fn rate_limit(&self, request: &ServiceRequest) -> (Option<&RateTable>, RefusalReason) {
        match routed_path(request) {
            "/messages" => (self.publish_rate.as_ref(), RefusalReason::PublishRate),
            _ => (self.read_rate.as_ref(), RefusalReason::ReadRate),
        }
    }

    /// The answer to a request that is over this rate limit, and must wait for this time.
    pub fn over_rate(limit: RefusalReason, wait: Duration) -> Problem {
        let what = match limit {
            RefusalReason::PublishRate => "publishes",
            _ => "requests",
        };
        let detail = format!("too many {what} (--{})", limit.as_str());
        let seconds = wait.as_secs_f64().ceil().max(1.0) as u64;
        Problem::new(StatusCode::TOO_MANY_REQUESTS, detail)
            .header(header::RETRY_AFTER, seconds.into())
            .limit(limit.as_str())
    }

    /// Whether to verify the signature of a token of a client at `address`. Requests with invalid tokens count for the
    /// address, so a client that sends too many of them causes no further verifications.
    pub fn may_verify(
        table: Option<&RateTable>,
        address: impl FnOnce() -> Option<ClientAddress>,
    ) -> bool {
        let is_empty = |table: &RateTable| {
            let key = address().map(RateKey::Address);
            key.is_some_and(|key| table.is_empty(&key))
        };
        !table.is_some_and(is_empty)
    }

    /// The key by which requests are counted together: the token's subject, or else the address, if it is known.
    pub fn rate_key(
        identity: Option<&Identity>,
        address: impl FnOnce() -> Option<ClientAddress>,
    ) -> Option<RateKey> {
        match identity.and_then(|it| it.subject.clone()) {
            Some(subject) => Some(RateKey::Subject(subject)),
            None => address().map(RateKey::Address),
        }
    }

    /// Whether requests of a proxy count as connections of its clients.
    pub fn limits_clients_of_proxies(&self) -> bool {
        self.limits_clients && !self.proxies.is_empty()
    }

    /// The client that a request counts for. `None` if its connection has no network address, as in a test.
    pub fn client_of(&self, request: &HttpRequest) -> Option<ClientAddress> {
        let peer = request.peer_addr()?.ip();
        Some(self.client_behind(peer, request.headers()).into())
    }

    /// The server's own two origins, one of which is that of the page.
    pub fn own_origins(&self, headers: &HeaderMap) -> Option<OwnOrigins> {
        let ports = self.own_ports?;
        ports.origins(headers.get(header::HOST)?.to_str().ok()?)
    }

    fn client_behind(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        if self.proxies.is_empty() {
            return peer;
        }
        let values = |name: &'static str| {
            let values: Vec<&str> = headers
                .get_all(name)
                // A field that is not text names no client.
                .map(|value| value.to_str().unwrap_or_default())
                .collect();
            values.into_iter()
        };
        self.proxies
            .client(peer, values("forwarded"), values("x-forwarded-for"))
    }
}

impl Default for Policy {
    /// A policy without any restrictions.
    fn default() -> Self {
        Self::new(None, AllowedOrigins::None, Limits::default())
    }
}

/// The policy that applies to a request.
pub fn policy_of(request: &HttpRequest) -> Option<&Data<Policy>> {
    request.app_data()
}
