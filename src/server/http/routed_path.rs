//! The path by which a request was routed.

use actix_web::dev::ServiceRequest;

/// The path that the router compares with the routes: `/%70oll` is `/poll`. What is decided by the path, such as who
/// needs a token, is decided by this one, or another spelling of it would not be covered.
pub fn routed_path(request: &ServiceRequest) -> &str {
    request.match_info().as_str()
}
