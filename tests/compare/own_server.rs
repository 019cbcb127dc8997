//! Measures our own server.

use poll_vs_sse_instrument::Transport;

use crate::support::{own_target, run, small_workload};

#[test]
fn every_transport_delivers_all_published_messages() {
    for transport in Transport::ALL {
        let workload = small_workload();
        let outcome = run(&own_target(), &workload, transport);
        assert_eq!(outcome.published, workload.messages());
        assert_eq!(outcome.expected, 20 * 20);
        assert_eq!(outcome.deliveries, outcome.expected);
        assert_eq!(
            (outcome.missed, outcome.duplicates, outcome.out_of_order),
            (0, 0, 0)
        );
        assert_eq!((outcome.errors, outcome.first_error), (0, None));
    }
}
