//! Answers at the address while the server waits for its store: the process is up, but not ready. The ledger counts
//! none of these requests.

use std::{
    io,
    thread::{self, JoinHandle},
};

use actix_server::ServerHandle;
use actix_web::{
    App, HttpResponse, HttpServer, ResponseError as _, http::KeepAlive, rt::System, web,
};
use tokio::sync::oneshot;

use super::listener::Listener;
use crate::{http::health::healthz, http::problem::Problem, log::store::StoreUnavailable};

/// How long an open request may take to finish when the wait is over, in seconds.
const SHUTDOWN_TIMEOUT: u64 = 1;

/// Answers until it is dropped; later connections go to the real server.
pub struct StandbyServer {
    handle: Option<ServerHandle>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl StandbyServer {
    pub fn serve(listener: &Listener) -> io::Result<Self> {
        let listener = listener.try_clone()?;
        let (started, handle) = oneshot::channel();
        let thread = thread::spawn(move || {
            System::new().block_on(async {
                let app = || {
                    App::new()
                        .route("/healthz", web::get().to(healthz))
                        .default_service(web::to(store_unavailable))
                };
                let mut server = HttpServer::new(app)
                    .workers(1)
                    // The next request of a client must go to the real server.
                    .keep_alive(KeepAlive::Disabled)
                    .shutdown_timeout(SHUTDOWN_TIMEOUT)
                    .disable_signals();
                for socket in listener.into_sockets() {
                    server = server.listen(socket)?;
                }
                let server = server.run();
                // The thread that started this one waits for the handle.
                let _ = started.send(server.handle());
                server.await
            })
        });
        Ok(Self {
            // `None` if it could not start and has ended.
            handle: handle.blocking_recv().ok(),
            thread: Some(thread),
        })
    }
}

impl Drop for StandbyServer {
    fn drop(&mut self) {
        if let Some(handle) = &self.handle {
            // The signal is sent at once; the server ends with its thread.
            drop(handle.stop(true));
        }
        if let Some(thread) = self.thread.take() {
            // Its failure does not affect the real server.
            let _ = thread.join();
        }
    }
}

async fn store_unavailable() -> HttpResponse {
    Problem::from(StoreUnavailable("waited for".to_owned())).error_response()
}
