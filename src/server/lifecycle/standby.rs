//! What the address answers while the store is waited for: that the process is up, and not ready.
//! Nothing of it is counted.

use std::{
    io,
    net::TcpListener,
    thread::{self, JoinHandle},
};

use actix_server::ServerHandle;
use actix_web::{
    App, HttpResponse, HttpServer, ResponseError as _, http::KeepAlive, rt::System, web,
};
use tokio::sync::oneshot;

use crate::{http::health::healthz, http::problem::Problem, log::store::StoreUnavailable};

/// How long a request under way may take to finish when the wait is over, seconds.
const SHUTDOWN_TIMEOUT: u64 = 1;

/// Answers until it is dropped; connections that come later are the next one's.
pub struct StandbyServer {
    handle: Option<ServerHandle>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl StandbyServer {
    pub fn serve(listener: &TcpListener) -> io::Result<Self> {
        let listener = listener.try_clone()?;
        let (started, handle) = oneshot::channel();
        let thread = thread::spawn(move || {
            System::new().block_on(async {
                let app = || {
                    App::new()
                        .route("/healthz", web::get().to(healthz))
                        .default_service(web::to(store_unavailable))
                };
                let server = HttpServer::new(app)
                    .workers(1)
                    // Who asks again is to be answered by the one that follows.
                    .keep_alive(KeepAlive::Disabled)
                    .shutdown_timeout(SHUTDOWN_TIMEOUT)
                    .disable_signals()
                    .listen(listener)?
                    .run();
                // Whoever started it waits for this.
                let _ = started.send(server.handle());
                server.await
            })
        });
        Ok(Self {
            // None: it could not start, and is no longer there.
            handle: handle.blocking_recv().ok(),
            thread: Some(thread),
        })
    }
}

impl Drop for StandbyServer {
    fn drop(&mut self) {
        if let Some(handle) = &self.handle {
            // It is told at once; its end is that of its thread.
            drop(handle.stop(true));
        }
        if let Some(thread) = self.thread.take() {
            // A failure of it is none of the server that follows.
            let _ = thread.join();
        }
    }
}

async fn store_unavailable() -> HttpResponse {
    Problem::from(StoreUnavailable("waited for".to_owned())).error_response()
}
