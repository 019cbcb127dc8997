//! Several rooms, clients that stop reading, and all clients at once.

use poll_vs_sse_instrument::{LoadScenario, Transport, Workload};

use crate::support::{own, run, small};

#[test]
fn each_client_gets_the_messages_of_its_room_and_no_other() {
    let workload = Workload {
        clients: 7,
        rooms: 3,
        ..small()
    };
    for transport in Transport::ALL {
        let outcome = run(&own(), &workload, transport);
        assert!(outcome.is_valid(), "{outcome:?}");
        // 20 messages in turn to rooms of 3, 2 and 2 clients.
        assert!((46..=48).contains(&outcome.expected), "{outcome:?}");
    }
}

#[test]
fn clients_that_stop_reading_cost_the_others_nothing() {
    let workload = Workload {
        stalled: 5,
        ..small()
    };
    for transport in Transport::ALL {
        let outcome = run(&own(), &workload, transport);
        assert!(outcome.is_valid(), "{outcome:?}");
        assert_eq!(outcome.clients, 20);
        assert_eq!(
            outcome.connections, 20,
            "those that stalled are not counted"
        );
    }
}

#[test]
fn a_herd_is_measured_until_all_are_served() {
    let workload = Workload {
        clients: 200,
        scenario: LoadScenario::Herd,
        ..small()
    };
    let outcome = run(&own(), &workload, Transport::Stream);
    assert!(outcome.is_valid(), "{outcome:?}");
    assert!(outcome.opening_s > 0.0, "{outcome:?}");
}
