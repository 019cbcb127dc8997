//! Costs that grow with the idle time before an event.

/// The cost of an event that comes `per_s` times a second, as a share of its cost after infinite idle time. After an
/// idle time of `half_s`, the share is a half.
pub fn idle_share(half_s: f64, per_s: f64) -> f64 {
    1.0 / (1.0 + half_s * per_s)
}
