//! An application as a service of bare requests and answers, which the connections of every protocol can call.

use actix_http::{
    Request, Response,
    body::{BoxBody, MessageBody},
};
use actix_service::{IntoServiceFactory, ServiceFactory, ServiceFactoryExt as _, map_config};
use actix_web::dev::{AppConfig, ServiceResponse};

pub fn bare_service<F, B>(
    app: impl IntoServiceFactory<F, Request>,
) -> impl ServiceFactory<
    Request,
    Config = (),
    Response = Response<BoxBody>,
    Error = Response<BoxBody>,
    InitError = (),
>
where
    F: ServiceFactory<
            Request,
            Config = AppConfig,
            Response = ServiceResponse<B>,
            Error = actix_web::Error,
            InitError = (),
        >,
    B: MessageBody + 'static,
{
    let app = app
        .into_factory()
        .map(|response: ServiceResponse<B>| Response::from(response).map_into_boxed_body())
        .map_err(|error: actix_web::Error| Response::from(error.error_response()));
    map_config(app, |()| AppConfig::default())
}
