//! What costs more the longer nothing was done before it.

/// The share that is paid, of what is paid after endless rest, by what comes `per_s` times a second. After
/// a rest of `half_s` it is half.
pub fn idle_share(half_s: f64, per_s: f64) -> f64 {
    1.0 / (1.0 + half_s * per_s)
}
