//! The `Date` of answers whose heads this server writes itself.

use std::{
    cell::RefCell,
    time::{SystemTime, UNIX_EPOCH},
};

use http::HeaderValue;

thread_local! {
    /// The last second in which it was used, and its date.
    static LATEST: RefCell<Option<(u64, HeaderValue)>> = const { RefCell::new(None) };
}

/// Calls `act` with the present date, which is formatted once a second.
pub fn with_http_date<T>(act: impl FnOnce(&HeaderValue) -> T) -> T {
    let now = SystemTime::now().max(UNIX_EPOCH);
    let since_epoch = now.duration_since(UNIX_EPOCH);
    let second = since_epoch.map_or(0, |elapsed| elapsed.as_secs());
    LATEST.with_borrow_mut(|latest| match latest {
        Some((of, date)) if *of == second => act(date),
        latest => {
            let date = HeaderValue::try_from(httpdate::fmt_http_date(now));
            let date = date.expect("a date is visible ASCII");
            act(&latest.insert((second, date)).1)
        }
    })
}
