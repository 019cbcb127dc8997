//! Records every request and its answer in the ledger.
//!
//! The request's recorder is in its extensions, and the handler adds the details of the request. The recorder then
//! stays with the answer's body until the last byte of it is handed over.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    HttpMessage as _,
    body::{BodySize, BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{Method, header},
    web::Data,
};
use bytes::Bytes;

use crate::{
    http::{extractors::parameter, routed_path::routed_path},
    ledger::{
        Ledger,
        connection_meter::ConnectionMeter,
        counters::Account,
        request_recorder::{RequestInfo, RequestRecorder},
    },
};

/// Begins to record the request. Returns what to do with its answer.
pub fn record<B>(
    request: &ServiceRequest,
) -> impl FnOnce(actix_web::Result<ServiceResponse<B>>) -> actix_web::Result<ServiceResponse<BoxBody>>
+ use<B>
where
    B: MessageBody + 'static,
{
    let recorder = begin(request);
    request.extensions_mut().insert(recorder.clone());
    move |answer| {
        let response = match answer {
            Ok(response) => response,
            // A handler has panicked. Every other error is an answer already.
            Err(error) => {
                recorder.set_status(error.as_response_error().status_code().as_u16());
                return Err(error);
            }
        };
        recorder.set_status(response.status().as_u16());
        let response = response.map_body(|_, body| {
            BoxBody::new(RecordedBody {
                body: body.boxed(),
                recorder,
            })
        });
        // From here on, the request lasts as long as the body.
        response
            .request()
            .extensions_mut()
            .remove::<RequestRecorder>();
        Ok(response)
    }
}

fn begin(request: &ServiceRequest) -> RequestRecorder {
    // On HTTP/2 a request is counted from its stream's first byte on.
    let begun = request.extensions().get::<RequestRecorder>().cloned();
    let recorder = match (begun, request.conn_data::<ConnectionMeter>()) {
        (Some(begun), _) => begun,
        (None, Some(meter)) => RequestRecorder::begin(meter),
        (None, None) => {
            let ledger = request.app_data::<Data<Ledger>>();
            let ledger = ledger.expect("the application has a ledger").clone();
            let meter = ConnectionMeter::detached(ledger.into_inner());
            let recorder = RequestRecorder::begin(&meter);
            let length = request.headers().get(header::CONTENT_LENGTH);
            let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
            recorder.record_body(length.unwrap_or(0), 0);
            recorder
        }
    };
    if let Some(account) = account(request) {
        recorder.set_default_account(account);
    }
    recorder
}

/// Attributes a publish to its account. Its cost counts from the first byte, because its body may take long to
/// arrive; but only once the sender has shown a valid token, if one is needed, because it names the client label.
/// Whether the token allows its room is known only when the body has been read.
pub fn open_publish(request: &ServiceRequest) {
    let client = parameter(request.query_string(), "client").ok().flatten();
    let extensions = request.extensions();
    if let Some(recorder) = extensions.get::<RequestRecorder>() {
        recorder.open(&RequestInfo {
            account: Account::Publish,
            rooms: None,
            client: client.as_ref(),
            trace: false,
        });
    }
}

/// The account of a request whose query is invalid.
fn account(request: &ServiceRequest) -> Option<Account> {
    match (routed_path(request), request.method()) {
        ("/poll", &Method::GET | &Method::HEAD) => Some(Account::Poll),
        ("/stream", &Method::GET) => Some(Account::Stream),
        ("/messages", &Method::POST) => Some(Account::Publish),
        _ => None,
    }
}

/// A body that keeps its request open until its last byte is handed over.
struct RecordedBody {
    body: BoxBody,
    recorder: RequestRecorder,
}

impl MessageBody for RecordedBody {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let chunk = Pin::new(&mut self.body).poll_next(cx);
        if let Poll::Ready(Some(Ok(bytes))) = &chunk
            && self.recorder.meter().is_detached()
        {
            self.recorder.record_body(0, bytes.len() as u64);
        }
        chunk
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader};

    use actix_web::{App, dev::Service as _, test, web};
    use futures_util::FutureExt as _;

    use super::*;
    use crate::{
        http::middleware::panics::catch_panic,
        ledger::access_log::{EventLog, Format},
    };

    async fn broken() -> &'static str {
        panic!("a defect")
    }

    #[actix_web::test]
    async fn a_panic_is_logged_as_500_and_not_as_a_client_that_left() {
        let (lines, out) = std::io::pipe().expect("a pipe");
        let (events, _) = EventLog::to(out, Format::Text).expect("a thread");
        let app = App::new()
            .app_data(Data::new(Ledger::new(events, true)))
            .wrap_fn(|request, next| catch_panic(next.call(request)))
            .wrap_fn(|request, next| {
                let record = record(&request);
                next.call(request).map(record)
            })
            .route("/poll", web::get().to(broken));
        let app = test::init_service(app).await;
        let request = test::TestRequest::get().uri("/poll").to_request();
        app.call(request).await.expect_err("the panic");
        let mut line = String::new();
        BufReader::new(lines).read_line(&mut line).expect("a line");
        assert!(
            line.contains(" request transport=poll ") && line.contains(" status=500 "),
            "{line}"
        );
    }
}
