//! Applies the faults that a request asks for to its connection and answer.

use std::{
    future::pending,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use actix_web::{
    Error,
    body::{BodySize, BoxBody, MessageBody},
    dev::{Service, ServiceRequest, ServiceResponse},
    web::Data,
};
use bytes::Bytes;
use futures_util::{FutureExt as _, TryFutureExt as _, future::Either};
use tokio::time::sleep;

use crate::{
    delivery::read_query::ReadQuery,
    faults::{
        CUT_AFTER, Fault,
        registry::FaultRegistry,
        throttle::{LATENCY, SlowLink},
    },
    http::{extractors::connection_of, policy::policy_of, routed_path::routed_path},
    net::connection::{ConnectionHandle, ConnectionTable},
};

/// The state that faults act on.
#[derive(Default)]
pub struct FaultTargets {
    pub registry: Arc<FaultRegistry>,
    pub connections: Arc<ConnectionTable>,
}

pub fn apply<S, B>(
    request: ServiceRequest,
    next: &S,
) -> impl Future<Output = actix_web::Result<ServiceResponse<BoxBody>>> + use<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error>,
    S::Future: 'static,
    B: MessageBody + 'static,
{
    match begin(&request) {
        Some(Fault::Restart) => Either::Right(pending().boxed_local()),
        Some(Fault::Slow) if routed_path(&request) == "/poll" => {
            let response = next.call(request);
            let slowed_down = async {
                let response = response.await?;
                // After the handler, so that the answer to a long-poll is as late as any other.
                sleep(LATENCY).await;
                Ok(response.map_body(|_, body| ThrottledBody::boxed(body.boxed())))
            };
            Either::Right(slowed_down.boxed_local())
        }
        Some(Fault::Buffer | Fault::Cut | Fault::Slow) | None => {
            let response = next.call(request);
            Either::Left(response.map_ok(ServiceResponse::map_into_boxed_body))
        }
    }
}

/// The fault that the request asks for, once its effect on the connection has begun.
fn begin(request: &ServiceRequest) -> Option<Fault> {
    if policy_of(request.request()).is_some_and(|it| !it.fault_injection) {
        return None;
    }
    let connection = connection_of(request.request())?;
    let targets = request.app_data::<Data<FaultTargets>>()?;
    if connection.is_abortable() {
        // A fault of an earlier request must not affect this one, which may be another client's.
        connection.cancel_abort();
        targets.registry.remove(connection.id());
    }
    apply_to_connection(&query(request)?, &connection, targets)
}

/// The query of a reader that may ask for a fault. The handler refuses an invalid query.
fn query(request: &ServiceRequest) -> Option<ReadQuery> {
    let is_reader = matches!(routed_path(request), "/poll" | "/stream");
    if !is_reader || !request.query_string().contains("fault") {
        return None;
    }
    ReadQuery::parse(request.query_string(), None).ok()
}

fn apply_to_connection(
    query: &ReadQuery,
    connection: &ConnectionHandle,
    targets: &FaultTargets,
) -> Option<Fault> {
    if let Some(key) = &query.fault_key {
        connection.register(&targets.connections);
        connection.keep(|| targets.registry.guard(connection.id()));
        targets.registry.set_key(connection.id(), key);
    }
    match (query.fault, &query.fault_key) {
        (Some(Fault::Cut), _) => connection.abort_after(CUT_AFTER, &targets.connections),
        (Some(Fault::Restart), Some(key)) => {
            for id in targets.registry.connections(key) {
                targets.connections.abort(id);
            }
        }
        (Some(Fault::Restart), None) | (Some(Fault::Buffer | Fault::Slow) | None, _) => {}
    }
    query.fault
}

/// A body over a slow link, after its head.
struct ThrottledBody {
    body: BoxBody,
    link: SlowLink<Bytes>,
}

impl ThrottledBody {
    fn boxed(body: BoxBody) -> BoxBody {
        BoxBody::new(Self {
            body,
            link: SlowLink::new(Duration::ZERO),
        })
    }
}

impl MessageBody for ThrottledBody {
    type Error = Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let Self { body, link } = &mut *self;
        let mut failure = None;
        let carried = link.poll_next(cx, |cx| {
            Pin::new(&mut *body).poll_next(cx).map(|part| match part? {
                Ok(bytes) => Some(bytes),
                Err(error) => {
                    failure = Some(error);
                    None
                }
            })
        });
        match failure {
            Some(error) => Poll::Ready(Some(Err(error.into()))),
            None => carried.map(|part| part.map(Ok)),
        }
    }
}
