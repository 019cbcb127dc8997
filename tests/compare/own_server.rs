//! Our own server, measured.

use poll_vs_sse_instrument::Transport;

use crate::support::{own, run, small};

#[test]
fn every_transport_delivers_all_that_was_published() {
    for transport in Transport::ALL {
        let workload = small();
        let outcome = run(&own(), &workload, transport);
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
