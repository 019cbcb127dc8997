//! Figures derived from a result: per delivery, per client, and whether the result is valid.

use super::{DelayStats, RunResult};

impl RunResult {
    /// Whether messages were published as requested, every message reached every client once and in order, and
    /// nothing failed. The figures of any other result do not measure the cost of the transport.
    pub fn is_valid(&self) -> bool {
        self.deliveries == self.expected
            && self.expected > 0
            && !self.publishing.fell_short
            && self.restart.is_none_or(|restart| restart.unserved == 0)
            && [self.missed, self.duplicates, self.out_of_order, self.errors] == [0; 4]
    }

    /// Wire bytes, in both directions, for each delivery.
    pub fn wire_bytes_per_delivery(&self) -> Option<f64> {
        self.per_delivery((self.wire_bytes_in + self.wire_bytes_out) as f64)
    }

    pub fn requests_per_delivery(&self) -> Option<f64> {
        self.per_delivery(self.requests as f64)
    }

    /// Microseconds of the server's CPU time for each delivery, its part in publishing included.
    pub fn server_cpu_us_per_delivery(&self) -> Option<f64> {
        self.per_delivery(self.server_cpu_s? * 1e6)
    }

    /// The growth of the server's memory for each client, in bytes. `None` if it did not grow.
    pub fn server_memory_bytes_per_client(&self) -> Option<f64> {
        let grown = self
            .server_memory_bytes?
            .checked_sub(self.server_memory_base_bytes?)?;
        (self.clients > 0).then(|| grown as f64 / self.clients as f64)
    }

    /// The bytes that clients sent and received for a TLS handshake.
    pub fn handshake_bytes(&self) -> Option<(f64, f64)> {
        let shaken = self.handshakes;
        let each = |bytes: u64| bytes as f64 / shaken.count as f64;
        (shaken.count > 0).then(|| (each(shaken.wire_bytes_in), each(shaken.wire_bytes_out)))
    }

    /// Microseconds of the server's CPU time for each client that connected: a connection, a TLS handshake if there
    /// is one, and its first request.
    pub fn opening_cpu_us_per_client(&self) -> Option<f64> {
        (self.clients > 0).then_some(self.opening_cpu_s? * 1e6 / self.clients as f64)
    }

    /// The server's CPU time as a share of one processor.
    pub fn server_processors(&self) -> Option<f64> {
        (self.duration_s > 0.0).then_some(self.server_cpu_s? / self.duration_s)
    }

    /// The requested and the actual messages a second, within the measured time.
    pub fn rates(&self) -> (f64, f64) {
        let a_second = |count: u64| count as f64 / self.duration_s;
        (a_second(self.published), a_second(self.publishing.in_time))
    }

    pub fn delay(&self, of: fn(&DelayStats) -> u64) -> Option<f64> {
        self.delay_us.as_ref().map(|delays| of(delays) as f64)
    }

    /// Divided by the deliveries of the same time, because the counted messages may have arrived later.
    fn per_delivery(&self, total: f64) -> Option<f64> {
        (self.arrivals > 0).then(|| total / self.arrivals as f64)
    }
}
