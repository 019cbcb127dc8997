//! Adds `Connection: close` if the client must leave because the server is stopping.

use actix_web::{
    dev::ServiceResponse,
    http::{ConnectionType, Version},
    web::Data,
};

use crate::{delivery::Delivery, http::extractors::connection_of};

pub fn close_when_draining<B>(mut response: ServiceResponse<B>) -> ServiceResponse<B> {
    let request = response.request();
    let Some(connection) = connection_of(request) else {
        return response;
    };
    let delivery = request.app_data::<Data<Delivery>>();
    let is_due = delivery.is_some_and(|it| it.drain.is_due(connection.id()));
    let head = response.response_mut().head_mut();
    if is_due {
        head.set_connection_type(ConnectionType::Close);
    }
    // Heads are pooled, and keep the version of their last answer until this one is written.
    head.version = Version::HTTP_11;
    if head.connection_type() == ConnectionType::Close {
        // This is the last answer, so whatever else the client sends on this connection is ignored.
        connection.ignore_input();
    }
    response
}
