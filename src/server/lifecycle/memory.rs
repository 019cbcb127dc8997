//! Memory goes back to the system after many connections have left.
//!
//! What they held is free, but in pieces between what lives on, and the allocator would keep it.

use std::{sync::Arc, time::Duration};

use tokio::{task::spawn_blocking, time::interval};

use crate::limits::connections::ConnectionCounter;

/// How often it is looked at.
const INTERVAL: Duration = Duration::from_secs(1);
/// Fewer connections leave nothing that would be worth the milliseconds.
const MIN_LEFT: usize = 500;

/// Releases memory whenever many connections have left since it was last released.
pub async fn release_after_herds(connections: Arc<ConnectionCounter>) {
    let mut ticks = interval(INTERVAL);
    let mut most = 0;
    loop {
        ticks.tick().await;
        let open = connections.open();
        most = open.max(most);
        if most - open >= MIN_LEFT {
            most = open;
            // If it cannot be done, the memory stays where it is.
            let _ = spawn_blocking(release).await;
        }
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn release() {
    // SAFETY: it has no preconditions, and may be called by any thread at any time.
    unsafe { libc::malloc_trim(0) };
}

/// Other allocators give memory back by themselves, or not at all.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn release() {}
