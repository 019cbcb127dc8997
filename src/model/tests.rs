//! Properties of the model that do not depend on the measurements.

use proptest::{prelude::*, test_runner::FileFailurePersistence};

use super::{
    ArrivalPattern, Fill, Limit, Model, Part, Plan, Question, Range, Scenario, ServerSize,
    Utilization, WireForm,
    break_even::{CostMetric, costs},
    plan,
    rates::Rates,
};
use crate::Transport;

const UTILIZATION: Utilization = Utilization {
    cores: 4.0,
    filled: Fill::To { busy: 0.6 },
};

fn answer(question: &Question) -> Plan {
    plan(Model::built_in(), question)
}

fn rates(transport: Transport, change: impl FnOnce(&mut Scenario)) -> Rates {
    let mut scenario = Question::default().scenario(2.0, UTILIZATION);
    change(&mut scenario);
    Rates::new(transport, &scenario, &Model::built_in().limits, 250.0)
}

fn spacings() -> impl Strategy<Value = ArrivalPattern> {
    prop_oneof![Just(ArrivalPattern::Random), Just(ArrivalPattern::Regular)]
}

fn logarithmic(least: f64, most: f64) -> impl Strategy<Value = f64> {
    (least.ln()..most.ln()).prop_map(f64::exp)
}

prop_compose! {
    fn questions()(
        clients in logarithmic(1.0, 1e7),
        rate in logarithmic(1e-4, 1e3),
        size in logarithmic(1.0, 1e4),
        max_delay_s in logarithmic(0.05, 1e4),
        spacing in spacings(),
        round_trip_s in 0.0..0.09_f64,
        utilization in 0.05..0.95_f64,
    ) -> Question {
        let server = ServerSize { utilization, ..Question::default().server };
        Question { clients, rate, size, max_delay_s, spacing, round_trip_s, server, ..Question::default() }
    }
}

proptest! {
    // Each case searches for break-evens at several thousand points.
    #![proptest_config(ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../tests/regressions/model.txt"
        )))),
        ..ProptestConfig::with_cases(64)
    })]

    #[test]
    fn all_results_are_finite_and_not_negative(question in questions()) {
        let plan = answer(&question);
        for transport in Transport::ALL {
            let one = plan.transports.get(transport);
            for value in [
                one.rates.requests, one.rates.empty, one.rates.deliveries, one.rates.keep_alives,
                one.rates.connections, one.wire_bytes_in_per_s, one.wire_bytes_out_per_s, one.cores,
                one.memory_bytes, one.delay_mean_s, one.delay_worst_s, one.dominant_share,
            ] {
                prop_assert!(value.is_finite() && value >= 0.0, "{transport}: {one:?}");
            }
            prop_assert!(one.rates.empty <= one.rates.requests * (1.0 + 1e-12));
            prop_assert!(one.delay_mean_s <= one.delay_worst_s);
            prop_assert!(one.dominant_share >= 1.0 / 6.0, "the largest of six parts is at least a sixth");
        }
    }

    #[test]
    fn the_worst_delay_is_acceptable(question in questions()) {
        let plan = answer(&question);
        for transport in Transport::ALL {
            let one = plan.transports.get(transport);
            if one.servers.is_some() {
                let most = question.max_delay_s * (1.0 + 1e-9);
                prop_assert!(one.delay_worst_s <= most, "{transport}: {one:?}");
            }
        }
    }

    #[test]
    fn no_server_exceeds_the_requested_utilization(question in questions()) {
        let plan = answer(&question);
        let server = question.server;
        for transport in Transport::ALL {
            let one = plan.transports.get(transport);
            let Some(servers) = one.servers else { continue };
            if servers < 2.0 { continue; }
            let filled = [
                one.cores / servers / server.cores,
                (one.memory_bytes + one.kernel_memory_bytes) / servers / server.memory_bytes,
                8.0 * one.wire_bytes_out_per_s / servers / server.network_bits_per_s,
            ];
            for share in filled {
                prop_assert!(share <= server.utilization * (1.0 + 1e-9), "{transport}: {one:?}");
            }
        }
    }

    #[test]
    fn more_of_anything_never_costs_less(question in questions(), factor in 1.0..10.0_f64) {
        let less = answer(&question);
        let more = [
            Question { clients: question.clients * factor, ..question },
            Question { size: question.size * factor, ..question },
            Question { rate: question.rate * factor, ..question },
        ];
        for (what, more) in more.iter().enumerate() {
            let more = answer(more);
            for transport in Transport::ALL {
                let (less, more) = (less.transports.get(transport), more.transports.get(transport));
                // With more messages there are fewer keep-alives, and fewer empty long-polls.
                if what == 2 && transport != Transport::Poll {
                    continue;
                }
                let servers = |one: &super::Estimate| one.servers.unwrap_or(f64::INFINITY);
                if servers(less) == servers(more) {
                    prop_assert!(more.cores >= less.cores * (1.0 - 1e-9), "{transport} {what}");
                }
                prop_assert!(servers(more) >= servers(less), "{transport} {what}");
            }
        }
    }

    #[test]
    fn a_longer_acceptable_delay_never_takes_more_requests(question in questions(), factor in 1.0..10.0_f64) {
        let patient = Question { max_delay_s: question.max_delay_s * factor, ..question };
        let (less, more) = (answer(&question), answer(&patient));
        let requests = |plan: &Plan| plan.transports.poll.rates.requests;
        // An answer holds a limited number of messages; a longer interval never makes that more answers
        // than half a one a turn.
        let break_even_sentence = |plan: &Plan| question.clients / plan.transports.poll.interval_s.unwrap_or(0.001);
        prop_assert!(requests(&more) <= requests(&less) + break_even_sentence(&more) * (1.0 + 1e-9));
        prop_assert_eq!(more.transports.stream.rates, less.transports.stream.rates);
    }

    #[test]
    fn at_the_break_even_costs_cross(question in questions()) {
        let model = Model::built_in();
        let found = answer(&question).break_even;
        let over_delay = |max_delay_s| Question { max_delay_s, ..question };
        let over_rate = |rate| Question { rate, ..question };
        let over_clients = |clients| Question { clients, ..question };
        crosses(model, &found.max_delay_s.cpu, CostMetric::Cpu, over_delay)?;
        crosses(model, &found.max_delay_s.wire_bytes, CostMetric::WireBytes, over_delay)?;
        crosses(model, &found.rate.cpu, CostMetric::Cpu, over_rate)?;
        crosses(model, &found.rate.wire_bytes, CostMetric::WireBytes, over_rate)?;
        crosses(model, &found.clients.cpu, CostMetric::Cpu, over_clients)?;
        crosses(model, &found.clients.wire_bytes, CostMetric::WireBytes, over_clients)?;
    }
}

/// Polling is cheaper just inside each range, and not just outside it. A range can be as narrow as the time in which a
/// poll's messages fill one more answer.
fn crosses(
    model: &Model,
    ranges: &[Range],
    metric: CostMetric,
    at: impl Fn(f64) -> Question,
) -> Result<(), TestCaseError> {
    const ASIDE: f64 = 1e-8;
    let is_cheaper = |value| costs(model, &at(value), metric).is_polling_cheaper();
    for range in ranges {
        if let Some(from) = range.from {
            prop_assert!(is_cheaper(from * (1.0 + ASIDE)), "{range:?}");
            prop_assert!(!is_cheaper(from * (1.0 - ASIDE)), "{range:?}");
        }
        if let Some(to) = range.to {
            prop_assert!(is_cheaper(to * (1.0 - ASIDE)), "{range:?}");
            prop_assert!(!is_cheaper(to * (1.0 + ASIDE)), "{range:?}");
        }
    }
    Ok(())
}

#[test]
fn the_built_in_model_is_valid() {
    let model = Model::built_in();
    assert!(
        model.points.len() > 10,
        "it has the points that it was fitted to"
    );
    assert!(model.errors.cpu_worst > 0.0, "it has its errors");
}

#[test]
fn small_loads_are_beyond_what_the_model_knows() {
    let matrix = Model::built_in().errors.matrix.expect("compared");
    assert!(matrix.ratio_worst > 2.0 && matrix.light_load > 0.01);
    let is_marked = |clients, cores| {
        let plan = answer(&Question {
            clients,
            rate: 0.1,
            max_delay_s: 0.25,
            server: ServerSize {
                cores,
                ..Question::default().server
            },
            ..Question::default()
        });
        let text = crate::sentences::sentences(&plan).join("\n");
        let is_said = text.contains("of each core busy");
        let mut beyond = plan.beyond.iter();
        assert_eq!(
            is_said,
            beyond.any(|one| one.what == crate::Dimension::Load)
        );
        is_said
    };
    assert!(is_marked(10.0, 1.0));
    assert!(!is_marked(5000.0, 1.0));
}

#[test]
fn the_kernels_memory_limits_the_clients_of_a_server() {
    let plan = answer(&Question {
        clients: 4e6,
        rate: 0.001,
        max_delay_s: 30.0,
        ..Question::default()
    });
    let stream = plan.transports.stream;
    assert_eq!(stream.limit, Limit::Memory, "{stream:?}");
    let each = (stream.memory_bytes + stream.kernel_memory_bytes) / 4e6;
    assert!((6000.0..9000.0).contains(&each), "{each} B a stream");
    assert!(stream.servers > Some(4.0), "{stream:?}");
}

#[test]
fn polls_deliver_all_published_messages() {
    let regular = rates(Transport::Poll, |one| {
        (one.spacing, one.rate) = (ArrivalPattern::Regular, 0.125);
    });
    assert_eq!((regular.requests, regular.empty), (5000.0, 3750.0));
    assert_eq!(regular.deliveries, 1250.0);
    let random = rates(Transport::Poll, |one| one.rate = 0.125);
    // exp(-1/4) of all turns.
    assert!((random.empty - 3894.0).abs() < 0.1, "{random:?}");
    let pages = rates(Transport::Poll, |one| one.rate = 250.0);
    assert!(
        (pages.requests / 5000.0 - 3.0).abs() < 1e-9,
        "500 messages are three answers"
    );
}

#[test]
fn delays_are_those_of_visible_and_hidden_tabs() {
    let polls = |hidden_share, max_delay_s| {
        let question = Question {
            hidden_share,
            max_delay_s,
            ..Question::default()
        };
        answer(&question).transports.poll
    };
    let visible = polls(0.0, 2.0);
    assert_eq!(visible.hidden_interval_s, None);
    assert!((visible.delay_worst_s - 2.0).abs() < 1e-9, "{visible:?}");
    let hidden = polls(1.0, 2.0);
    assert_eq!(hidden.hidden_interval_s, Some(60.0));
    assert!(
        (60.0..60.01).contains(&hidden.delay_worst_s)
            && (30.0..30.01).contains(&hidden.delay_mean_s),
        "{hidden:?}"
    );
    let some = polls(0.25, 2.0);
    assert!(
        (60.0..60.01).contains(&some.delay_worst_s) && (8.2..8.3).contains(&some.delay_mean_s),
        "{some:?}"
    );
    let rarer = polls(0.25, 90.0);
    assert_eq!(
        rarer.hidden_interval_s, rarer.interval_s,
        "already rarer than a hidden tab's timer"
    );
}

#[test]
fn idle_connections_do_not_outlast_a_long_interval() {
    let short = rates(Transport::Poll, |one| one.interval_s = 75.0);
    assert_eq!((short.connects, short.connections), (0.0, 10_000.0));
    let long = rates(Transport::Poll, |one| one.interval_s = 150.0);
    assert_eq!((long.connects, long.connections), (long.requests, 5000.0));
}

#[test]
fn a_stream_sends_keep_alives_only_in_long_gaps() {
    let often = rates(Transport::Stream, |one| {
        one.spacing = ArrivalPattern::Regular
    });
    assert_eq!(often.keep_alives, 0.0);
    let rare = rates(Transport::Stream, |one| {
        (one.spacing, one.rate) = (ArrivalPattern::Regular, 1.0 / 50.0);
    });
    // Three within each 50 s.
    assert!((rare.keep_alives - 600.0).abs() < 1e-6, "{rare:?}");
    let never = rates(Transport::Stream, |one| one.rate = 1e-9);
    assert!(
        (never.keep_alives - 10_000.0 / 15.0).abs() < 0.1,
        "{never:?}"
    );
}

#[test]
fn a_long_poll_sends_a_request_for_each_message_and_each_wait() {
    let often = rates(Transport::LongPoll, |one| {
        one.spacing = ArrivalPattern::Regular
    });
    assert_eq!((often.requests, often.empty), (10_000.0, 0.0));
    let rare = rates(Transport::LongPoll, |one| one.rate = 1e-9);
    assert!(
        (rare.requests - 400.0).abs() < 0.1 && rare.empty > 399.9,
        "{rare:?}"
    );
    let far = rates(Transport::LongPoll, |one| {
        (one.rate, one.round_trip_s) = (100.0, 0.1);
    });
    assert!(
        far.requests < 100_500.0,
        "messages during a round trip come together: {far:?}"
    );
}

#[test]
fn impossible_questions_are_reported() {
    let impossible = answer(&Question {
        max_delay_s: 0.001,
        round_trip_s: 0.5,
        ..Question::default()
    });
    for transport in Transport::ALL {
        assert_eq!(
            impossible.transports.get(transport).servers,
            None,
            "{transport}"
        );
    }
    assert_eq!(impossible.transports.stream.limit, Limit::Delay);
    let text = crate::sentences::sentences(&impossible).join("\n");
    assert!(
        !text.contains("times the CPU") && text.contains("not both possible at any rate"),
        "{text}"
    );
    let flooded = answer(&Question {
        rate: 1e4,
        clients: 1.0,
        server: ServerSize {
            cores: 0.1,
            ..Question::default().server
        },
        ..Question::default()
    });
    assert_eq!(
        flooded.transports.stream.servers, None,
        "no server could receive the messages"
    );
    assert!(
        flooded.break_even.rate.comparable && !impossible.break_even.rate.comparable,
        "a server could receive fewer messages, but no message arrives in time"
    );
    let text = crate::sentences::sentences(&flooded).join("\n");
    assert!(
        text.starts_with("No number of such servers is enough for polling (for CPU); no number"),
        "{text}"
    );
}

#[test]
fn break_evens_count_the_work_of_every_server() {
    let question = Question {
        clients: 100_000.0,
        rate: 1000.0,
        max_delay_s: 0.5,
        server: ServerSize {
            cores: 1.0,
            ..Question::default().server
        },
        ..Question::default()
    };
    let plan = answer(&question);
    let (poll, stream) = (&plan.transports.poll, &plan.transports.stream);
    let by_answer = poll.cores - stream.cores;
    let costs = costs(Model::built_in(), &question, CostMetric::Cpu);
    let by_break_even = costs.poll - costs.stream;
    // The answer counts whole servers: up to the own work of one more of each.
    let rounding = 2.0 * stream.cores_by.each_server() / stream.servers.expect("possible");
    assert!(
        (by_answer - by_break_even).abs() <= rounding && rounding < 0.1 * by_answer.abs(),
        "{by_answer} {by_break_even} {rounding}"
    );
}

#[test]
fn a_form_that_costs_more_makes_the_last_reader_wait_longer() {
    let worst = |form, transport| {
        let one = *answer(&Question {
            form,
            ..Question::default()
        })
        .transports
        .get(transport);
        assert_eq!(one.servers, Some(1.0));
        one.delay_worst_s
    };
    for transport in [Transport::LongPoll, Transport::Stream] {
        let plain = worst(WireForm::default(), transport);
        for form in &WireForm::ALL[1..] {
            let other = worst(*form, transport);
            assert!(other > plain, "{transport} {form:?}: {other} {plain}");
        }
    }
}

#[test]
fn a_file_without_forms_takes_the_multiples_of_the_built_in_model() {
    let built_in = Model::built_in();
    let mut file = serde_json::to_value(built_in).expect("plain values");
    file.as_object_mut().expect("an object").remove("forms");
    let poll = &mut file["transports"]["poll"];
    poll["request_us"] = (2.0 * built_in.transports.poll.request_us).into();
    let older = Model::parse(&file.to_string()).expect("a model file");
    for form in WireForm::ALL {
        let (known, taken) = (built_in.form(form), older.form(form));
        let near = |one: f64, other: f64| (one - other).abs() < 1e-9;
        assert!(near(taken.request_us, 2.0 * known.request_us), "{taken:?}");
        assert!(near(taken.event_us, known.event_us), "{taken:?}");
        assert_eq!(taken.wake_share, known.wake_share);
    }
}

#[test]
fn a_longer_head_takes_more_cpu_over_every_form() {
    for form in WireForm::ALL {
        let cores = |cookie_bytes| {
            let question = Question {
                form,
                cookie_bytes,
                ..Question::default()
            };
            answer(&question).transports.poll.cores
        };
        assert!(cores(2000.0) > cores(0.0), "{form:?}");
    }
}

#[test]
fn the_dominant_part_is_the_largest() {
    let quiet = answer(&Question {
        rate: 0.001,
        ..Question::default()
    });
    assert_eq!(quiet.transports.poll.dominant, Part::Requests);
    assert_eq!(quiet.transports.stream.dominant, Part::KeepAlives);
    // The answers are so large that the servers are never asleep, and the network is fast enough for them.
    let busy = answer(&Question {
        clients: 1e5,
        rate: 50.0,
        size: 4000.0,
        max_delay_s: 10.0,
        server: ServerSize {
            network_bits_per_s: 1e12,
            ..Question::default().server
        },
        ..Question::default()
    });
    assert_eq!(busy.transports.poll.dominant, Part::Messages);
    assert_eq!(busy.transports.stream.dominant, Part::Messages);
}

#[test]
fn files_that_are_not_models_are_refused() {
    let refused = |text: &str| format!("{:#}", Model::parse(text).expect_err("no model"));
    assert!(refused("{").contains("not a model file"));
    assert!(refused(r#"{"format": 99}"#).contains("99"));
    assert!(refused(r#"{"format": 2}"#).contains("not a whole model"));
    let mut model = serde_json::to_value(Model::built_in()).expect("plain values");
    model["wake_us"] = (-1.0).into();
    assert!(refused(&model.to_string()).contains("wake_us"));
    let mut model = serde_json::to_value(Model::built_in()).expect("plain values");
    model["forms"]["h2"]["connect_us"] = (-1.0).into();
    assert!(refused(&model.to_string()).contains("forms.h2.connect_us is -1"));
    let mut model = serde_json::to_value(Model::built_in()).expect("plain values");
    model["transports"]["long-poll"]["request_us"] = (-1.0).into();
    assert!(refused(&model.to_string()).contains("transports.long-poll.request_us is -1"));
}
