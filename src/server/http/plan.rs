//! `GET /plan`: what a number of clients would cost, from the cost model. The answer is the output of `plan --json`,
//! and the lab's Planner uses it.

use actix_web::{HttpRequest, HttpResponse, Responder, http::StatusCode, web};
use poll_vs_sse_model::{Model, PlanQuery};
use tokio::sync::Semaphore;

use super::problem::Problem;
use crate::delivery::read_query::InvalidField;

/// The most plans that are computed at the same time. One that has begun is computed even if its client has left.
static AT_ONCE: Semaphore = Semaphore::const_new(2);

pub async fn plan(request: HttpRequest) -> Result<impl Responder, Problem> {
    let query = PlanQuery::parse(request.query_string())
        .map_err(|error| InvalidField::new(&error.field, &error.reason))?;
    let stopping = || Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the server is stopping");
    let permit = AT_ONCE.acquire().await.map_err(|_| stopping())?;
    // Computing break-evens and curves takes milliseconds, in which the streams of this worker would wait.
    let answering = web::block(move || {
        let _permit = permit;
        query.answer(Model::built_in())
    });
    let document = answering.await.map_err(|_| stopping())?;
    Ok(HttpResponse::Ok().json(document))
}
