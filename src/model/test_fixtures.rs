//! The question that the tests begin from.

use super::{ArrivalPattern, Question, ServerSize};

pub const GIB: f64 = 1024.0 * 1024.0 * 1024.0;

/// 10,000 clients, one message of 100 bytes a second, seen within 2 s.
pub fn question() -> Question {
    Question {
        clients: 10_000.0,
        rate: 1.0,
        size: 100.0,
        max_delay_s: 2.0,
        spacing: ArrivalPattern::Random,
        wait_s: 25.0,
        round_trip_s: 0.0,
        server: ServerSize {
            cores: 4.0,
            memory_bytes: 8.0 * GIB,
            network_bits_per_s: 1e9,
            utilization: 0.6,
        },
    }
}
