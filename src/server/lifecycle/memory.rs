//! Returns memory to the system after many connections have left.
//!
//! Their memory is free, but in pieces between live allocations, so the allocator would keep it.

use std::{sync::Arc, time::Duration};

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

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn release() {
    // SAFETY: `malloc_trim` has no preconditions, and any thread may call it at any time.
    unsafe { libc::malloc_trim(0) };
}

/// Other allocators return memory by themselves, or not at all.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn release() {}
