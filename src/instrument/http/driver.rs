//! The transport below HTTP, and how the task that waits for an answer drives both of its directions.

use std::{future::Future, pin::Pin, task::Poll};

use tokio::io::{AsyncRead, AsyncWrite};

/// The transport below HTTP.
pub type Stream = Box<dyn Bytestream>;

/// Both directions, in one task.
pub trait Bytestream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Bytestream for T {}

/// Runs `work` while the protocol's `driver` moves bytes. The driver is removed once it has ended. `None`: the driver
/// has ended, so `work` would wait forever.
pub async fn drive<D: Future, F: Future>(
    driver: &mut Option<Pin<Box<D>>>,
    work: F,
) -> Option<F::Output> {
    let mut work = std::pin::pin!(work);
    std::future::poll_fn(|cx| {
        // `work` passes requests to the driver, and the driver passes results back.
        if let Poll::Ready(done) = work.as_mut().poll(cx) {
            return Poll::Ready(Some(done));
        }
        if let Some(running) = driver
            && running.as_mut().poll(cx).is_ready()
        {
            *driver = None;
        }
        match work.as_mut().poll(cx) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending if driver.is_none() => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}
