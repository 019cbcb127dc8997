//! The load of the bench `compare` as input of the model.

use poll_vs_sse_model::{ArrivalPattern, RequestSize, Scenario, Utilization, WireForm};

/// Cleartext HTTP/1.1 with bare request heads, to one server. `interval_s` is the time between two polls.
pub fn scenario(clients: f64, rate: f64, size: f64, interval_s: f64) -> Scenario {
    Scenario {
        clients,
        rate,
        size,
        spacing: ArrivalPattern::Regular,
        interval_s,
        wait_s: 25.0,
        round_trip_s: 0.0,
        hidden_share: 0.0,
        form: WireForm::default(),
        request_size: RequestSize::Beyond(0.0),
        closes: false,
        load: Utilization::single_server(1.0),
    }
}
