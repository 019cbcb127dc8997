//! The path that the router used for a request.

use actix_web::dev::ServiceRequest;

/// The path that the router compares with the routes: `/%70oll` is `/poll`. Decisions by path, such as whether a
/// token is needed, must use this path; otherwise another spelling would bypass them.
pub fn routed_path(request: &ServiceRequest) -> &str {
    request.match_info().as_str()
}
