//! Keeps the allocator's share of the memory small.
//!
//! When many connections have left, their memory is free, but in pieces between live allocations, so the allocator
//! would keep it. And for each thread it reserves 64 MiB of addresses, which count for `ulimit -v`.

use std::{sync::Arc, time::Duration};

#[cfg(all(target_os = "linux", target_env = "gnu"))]
use rlimit::{INFINITY, Resource};
use tokio::{task::spawn_blocking, time::interval};

use crate::limits::connections::ConnectionCounter;

/// How often to check.
const INTERVAL: Duration = Duration::from_secs(1);
/// Fewer connections leave too little memory to be worth the milliseconds.
const MIN_LEFT: usize = 500;

/// Releases memory whenever many connections have left since the last release.
pub async fn release_after_herds(connections: Arc<ConnectionCounter>) {
    let mut ticks = interval(INTERVAL);
    let mut most = 0;
    loop {
        ticks.tick().await;
        let open = connections.open();
        most = open.max(most);
        if most - open >= MIN_LEFT {
            most = open;
            // If this fails, the memory stays with the process.
            let _ = spawn_blocking(release).await;
        }
    }
}

/// Makes all threads share their memory if the process has a limit of addresses. Call it before there are threads.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn share_if_limited() {
    let is_limited = rlimit::getrlimit(Resource::AS).is_ok_and(|(soft, _)| soft != INFINITY);
    if is_limited {
        // SAFETY: `mallopt` has no preconditions. If it fails, the threads reserve what they always do.
        unsafe { libc::mallopt(libc::M_ARENA_MAX, 1) };
    }
}

/// Other allocators reserve nothing for a thread.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn share_if_limited() {}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn release() {
    // SAFETY: `malloc_trim` has no preconditions, and any thread may call it at any time.
    unsafe { libc::malloc_trim(0) };
}

/// Other allocators return memory by themselves, or not at all.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn release() {}
