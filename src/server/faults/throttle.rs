//! A slow link: which bytes it lets through, and when.
//!
//! The link is the same for every transport. Bytes leave one after another at [`BYTES_PER_SECOND`], however they are
//! divided into parts, and arrive [`LATENCY`] later. New bytes wait until the earlier bytes have left, not until they
//! have arrived.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use tokio::time::{Instant, Sleep, sleep_until};

/// The time from leaving to arriving.
pub const LATENCY: Duration = Duration::from_millis(300);
const BYTES_PER_SECOND: u32 = 2 * 1024;
/// The most bytes that arrive at once.
const PIECE_BYTES: usize = 512;

/// Bytes that can be sent piece by piece.
pub trait Divisible {
    fn len(&self) -> usize;
    /// Takes the first bytes off.
    fn split_to(&mut self, bytes: usize) -> Self;
}

/// A link that carries parts `T`.
pub struct SlowLink<T> {
    latency: Duration,
    /// When all bytes sent so far will have left.
    free_at: Instant,
    /// Whether there was nothing to send when the link was free.
    is_idle: bool,
    /// The parts on their way, in order of their arrival time.
    in_flight: VecDeque<(Instant, T)>,
    timer: Pin<Box<Sleep>>,
}

impl<T: Divisible> SlowLink<T> {
    /// A link with this latency. The latency is zero after a head that was already delayed.
    pub fn new(latency: Duration) -> Self {
        let now = Instant::now();
        Self {
            latency,
            free_at: now,
            is_idle: true,
            in_flight: VecDeque::new(),
            timer: Box::pin(sleep_until(now)),
        }
    }

    /// The next part of `source` that arrives. The link polls the source for more only when all earlier parts have
    /// left.
    pub fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        mut source: impl FnMut(&mut Context<'_>) -> Poll<Option<T>>,
    ) -> Poll<Option<T>> {
        loop {
            let is_free = self.free_at <= Instant::now();
            if is_free {
                let part = source(cx);
                self.is_idle |= part.is_pending();
                match part {
                    Poll::Ready(Some(part)) => {
                        self.send(part);
                        continue;
                    }
                    Poll::Ready(None) if self.in_flight.is_empty() => return Poll::Ready(None),
                    Poll::Pending if self.in_flight.is_empty() => return Poll::Pending,
                    Poll::Ready(None) | Poll::Pending => {}
                }
            }
            let arrival = self.in_flight.front().map(|(due, _)| *due);
            let due = match arrival {
                Some(arrival) if is_free || arrival < self.free_at => arrival,
                _ => self.free_at,
            };
            self.timer.as_mut().reset(due);
            ready!(self.timer.as_mut().poll(cx));
            if arrival == Some(due) {
                return Poll::Ready(self.in_flight.pop_front().map(|(_, piece)| piece));
            }
        }
    }

    fn send(&mut self, mut part: T) {
        // Otherwise the link continues at `free_at`, not now: timers fire late, but a link without a pause would not
        // be late.
        if std::mem::take(&mut self.is_idle) {
            self.free_at = self.free_at.max(Instant::now());
        }
        while part.len() > 0 {
            let piece = part.split_to(PIECE_BYTES.min(part.len()));
            // At most `PIECE_BYTES`.
            let bytes = piece.len() as u32;
            self.free_at += Duration::from_secs(1) * bytes / BYTES_PER_SECOND;
            let arrival = self.free_at + self.latency;
            self.in_flight.push_back((arrival, piece));
        }
    }
}

impl Divisible for Bytes {
    fn len(&self) -> usize {
        self.len()
    }

    fn split_to(&mut self, bytes: usize) -> Self {
        self.split_to(bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    /// When each piece of `parts` arrives, in milliseconds, and how long it is.
    async fn arrivals(latency: Duration, parts: &[usize]) -> Vec<(u128, usize)> {
        let began = Instant::now();
        let mut parts = parts.iter().map(|&len| Bytes::from(vec![0; len]));
        let mut link = SlowLink::new(latency);
        let mut arrivals = Vec::new();
        loop {
            let next = poll_fn(|cx| link.poll_next(cx, |_| Poll::Ready(parts.next()))).await;
            match next {
                Some(piece) => arrivals.push((began.elapsed().as_millis(), piece.len())),
                None => return arrivals,
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_arrive_at_one_rate_however_they_are_divided() {
        let whole = arrivals(LATENCY, &[2048]).await;
        for ((late, bytes), expected) in whole.iter().zip([550_u128, 800, 1050, 1300]) {
            assert!(late.abs_diff(expected) <= 2, "{late} for {expected}");
            assert_eq!(*bytes, 512);
        }
        assert_eq!(whole.len(), 4);
        for parts in [vec![1; 2048], vec![100; 20], vec![2000, 48]] {
            let (last, _) = *arrivals(LATENCY, &parts).await.last().expect("one");
            let bytes: usize = parts.iter().sum();
            let expected = 300 + bytes as u128 * 1000 / 2048;
            assert!(last.abs_diff(expected) <= 2, "{last} for {expected}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_is_late_by_the_latency_and_not_by_that_of_those_before_it() {
        let (send, mut parts) = tokio::sync::mpsc::unbounded_channel::<Bytes>();
        let began = Instant::now();
        tokio::spawn(async move {
            for _ in 0..5 {
                send.send(Bytes::from_static(&[0; 20])).expect("a reader");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
        let mut link = SlowLink::new(LATENCY);
        let mut late = Vec::new();
        while let Some(_piece) = poll_fn(|cx| link.poll_next(cx, |cx| parts.poll_recv(cx))).await {
            late.push(began.elapsed().as_millis());
        }
        // Each 300 ms and the 10 ms of its 20 bytes after it was sent.
        let expected = [310, 410, 510, 610, 710];
        for (late, expected) in late.iter().zip(expected) {
            assert!(late.abs_diff(expected) <= 2, "{late} for {expected}");
        }
        assert_eq!(late.len(), 5);
    }
}
