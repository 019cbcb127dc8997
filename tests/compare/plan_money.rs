//! `plan --prices` with the documentation's examples, and `--hidden-share`.

use serde_json::Value;

use crate::support::program::{Exit, Program, command};

fn plan(args: &[&str]) -> Exit {
    Program::start(command(&[&["plan"], args].concat())).wait()
}

fn json(args: &[&str]) -> Value {
    let ended = plan(&[args, &["--json"]].concat());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    serde_json::from_str(&ended.stdout).expect("JSON")
}

#[test]
fn every_example_gives_a_bill_and_the_break_even() {
    for name in ["machine", "functions", "gateway"] {
        let file = format!(
            "{}/docs/examples/prices-{name}.toml",
            env!("CARGO_MANIFEST_DIR")
        );
        let document = json(&["--prices", &file]);
        for transport in ["poll", "long-poll", "stream"] {
            let total = &document["bills"]["transports"][transport]["total"];
            assert!(
                total.as_f64().is_some_and(|it| it > 0.0),
                "{name}: {document}"
            );
        }
        let ended = plan(&["--prices", &file]);
        assert!(
            ended.stdout.contains("A month by the prices of"),
            "{ended:?}"
        );
        assert!(ended.stdout.contains("lower bill"), "{ended:?}");
    }
}

#[test]
fn invalid_prices_print_one_line() {
    for (file, words) in [
        ("/nowhere.toml", "cannot read"),
        ("/dev/null", "the prices"),
    ] {
        let ended = plan(&["--prices", file]);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(words), "{ended:?}");
        assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
    }
}

#[test]
fn hidden_tabs_reduce_polls_but_not_streams() {
    let all_seen = json(&[]);
    let hidden = json(&["--hidden-share", "0.5"]);
    let requests = |document: &Value| {
        let figure = &document["transports"]["poll"]["requests_per_s"];
        figure.as_f64().expect("a number")
    };
    // Half of the clients poll every two seconds, half every minute.
    let share = requests(&hidden) / requests(&all_seen);
    assert!((0.51..0.53).contains(&share), "{share}");
    assert_eq!(
        all_seen["transports"]["stream"],
        hidden["transports"]["stream"]
    );
}

#[test]
fn polls_take_fewer_bytes_over_http_2_unless_the_cookie_is_large() {
    let bytes_in = |flags: &[&str]| {
        let document = json(flags);
        let figure = &document["transports"]["poll"]["wire_bytes_in_per_s"];
        figure.as_f64().expect("a number")
    };
    let http2 = ["--protocol", "h2", "--tls"];
    assert!(bytes_in(&http2) < 0.25 * bytes_in(&[]));
    let cookie = ["--cookie", "4096"];
    assert!(bytes_in(&[&http2[..], &cookie].concat()) > 0.6 * bytes_in(&cookie));
    let document = json(&[&http2[..], &["--max-delay", "5m"]].concat());
    let said = document["sentences"].to_string();
    assert!(said.contains("TLS handshake"), "{said}");
}
