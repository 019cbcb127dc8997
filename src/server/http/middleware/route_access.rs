//! What each route requires of its requests.

use actix_web::dev::ServiceRequest;

use crate::http::routed_path::routed_path;

/// The access that a route requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RouteAccess {
    /// Nothing: the page, health checks, and descriptions of the server.
    Public,
    /// No token, but its rate is limited, because the answer takes milliseconds to compute.
    Plan,
    /// A token, if the server asks for one.
    Conversation,
    /// A token itself, not a ticket.
    Tickets,
    /// A client's trace.
    Trace,
    /// The figures of all clients.
    Metrics,
}

impl RouteAccess {
    pub fn of(request: &ServiceRequest) -> Self {
        match routed_path(request) {
            "/poll" | "/stream" | "/messages" | "/presence" | "/presence/along" => {
                Self::Conversation
            }
            "/plan" => Self::Plan,
            "/trace" => Self::Trace,
            "/tickets" => Self::Tickets,
            "/metrics" => Self::Metrics,
            "/ledger" => {
                let mut names = form_urlencoded::parse(request.query_string().as_bytes());
                match names.any(|(name, _)| name == "client") {
                    true => Self::Conversation,
                    false => Self::Metrics,
                }
            }
            _ => Self::Public,
        }
    }
}
