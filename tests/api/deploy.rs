//! The files in `deploy/` that no test can run as they are: the server has everything that they refer to.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::support::{
    client::TestClient as _,
    nats,
    process::run,
    server::{Server, StoreKind},
};

fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("deploy")
        .join(file)
}

fn text(file: &str) -> String {
    fs::read_to_string(path(file)).expect("the file")
}

/// The names in `text` that begin with `start`.
fn names<'a>(text: &'a str, start: &str) -> Vec<&'a str> {
    let starts = text.match_indices(start).map(|(at, _)| &text[at..]);
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    starts
        .map(|rest| &rest[..rest.find(|c| !is_name(c)).unwrap_or(rest.len())])
        .collect()
}

#[test]
fn the_server_knows_the_variables_of_the_unit_and_the_image() {
    let help = run(&["--help"]).stdout;
    for file in ["poll-vs-sse.service", "Containerfile"] {
        let text = text(file);
        let names = names(&text, "POLL_VS_SSE_");
        assert!(!names.is_empty());
        for name in names {
            assert!(help.contains(&format!("[env: {name}")), "{name} in {file}");
        }
    }
}

#[test]
fn the_server_takes_the_flags_of_the_compose_file() {
    let text = text("compose.yaml");
    let lines = text.lines().map(str::trim);
    let mut flags: Vec<&str> = lines.filter_map(|line| line.strip_prefix("- --")).collect();
    assert!(flags.len() > 3, "{flags:?}");
    let mut flags: Vec<String> = flags.drain(..).map(|flag| format!("--{flag}")).collect();
    // Flags are read in order, and `--help` ends that without starting a server.
    flags.push("--help".to_owned());
    let ended = run(&flags);
    assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(0), ""));
}

#[test]
fn systemd_finds_nothing_wrong_with_the_unit() {
    let directory = tempfile::tempdir().expect("a directory");
    let unit = directory.path().join("poll-vs-sse.service");
    let installed = "/usr/local/bin/poll-vs-sse";
    let text = text("poll-vs-sse.service");
    assert!(text.contains(installed));
    let text = text.replace(installed, env!("CARGO_BIN_EXE_poll-vs-sse"));
    fs::write(&unit, text).expect("writes");
    let verify = Command::new("systemd-analyze")
        .arg("verify")
        .arg(&unit)
        .stdin(Stdio::null())
        .output();
    let Ok(verified) = verify else {
        eprintln!("skipped: systemd-analyze is not installed");
        return;
    };
    let said = String::from_utf8_lossy(&verified.stderr);
    let ours: Vec<_> = said
        .lines()
        .filter(|line| line.contains("poll-vs-sse.service"))
        .collect();
    assert!(verified.status.success() && ours.is_empty(), "{said}");
}

#[test]
fn nats_takes_the_configuration_of_its_version() {
    let settings = |text: &str| -> Vec<String> {
        let lines = text.lines().map(str::trim);
        let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines.map(str::to_owned).collect()
    };
    let (newer, older) = (text("nats.conf"), text("nats-2.9.conf"));
    let mut known_to_both = settings(&newer);
    known_to_both.retain(|line| line != "sync_interval: always");
    assert_eq!(settings(&older), known_to_both);
    let directory = tempfile::tempdir().expect("a directory");
    let checked = |config: &str| {
        let path = directory.path().join("nats.conf");
        let store = directory.path().join("store").display().to_string();
        fs::write(&path, config.replace("/data", &store)).expect("writes");
        let mut command = Command::new(nats::binary());
        let checked = command.arg("-t").arg("-c").arg(path).output();
        let checked = checked.expect("nats-server runs");
        let said = String::from_utf8_lossy(&checked.stderr).into_owned();
        (checked.status.success(), said)
    };
    let (is_taken, said) = checked(&older);
    assert!(is_taken, "{said}");
    let (is_taken, said) = checked(&newer);
    assert!(is_taken || said.contains("unknown field"), "{said}");
}

/// A selector in an expression: a metric's name, and the required labels with their values.
struct Selector {
    metric: String,
    labels: Vec<(String, Vec<String>)>,
}

/// The selectors of our metrics in `text`, which is YAML or JSON. In JSON, quotes are escaped.
fn selectors(text: &str) -> Vec<Selector> {
    let text = text.replace("\\\"", "\"");
    let starts = text.match_indices("poll_vs_sse_");
    let at = starts.map(|(at, _)| &text[at..]);
    at.map(|rest| {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let (metric, rest) = rest.split_at(rest.find(|c| !is_name(c)).unwrap_or(rest.len()));
        let inside = rest.strip_prefix('{').and_then(|rest| rest.split_once('}'));
        let matchers = inside.map_or("", |(inside, _)| inside).split(',');
        let labels = matchers.filter_map(|matcher| {
            let (name, value) = matcher.trim().split_once('=')?;
            let value = value.trim_start_matches('~').trim_matches('"');
            let values = value.split('|').map(str::to_owned).collect();
            Some((name.trim().to_owned(), values))
        });
        Selector {
            metric: metric.to_owned(),
            labels: labels.collect(),
        }
    })
    .collect()
}

#[test]
fn alerts_and_dashboard_use_existing_metrics() {
    let server = Server::with(StoreKind::Memory, |_| {});
    server.get("/poll").ok();
    let classic = ("Accept", "text/plain; version=0.0.4");
    let metrics = server.get_with("/metrics", &[classic]).text();
    let has = |metric: &str, label: &str| {
        let mut lines = metrics.lines();
        lines.any(|line| {
            let rest = line.strip_prefix(metric);
            rest.is_some_and(|rest| rest.starts_with(['{', ' ']) && rest.contains(label))
        })
    };
    for file in ["prometheus-alerts.yml", "grafana-dashboard.json"] {
        let selectors = selectors(&text(file));
        assert!(selectors.len() > 5, "{file}");
        for Selector { metric, labels } in selectors {
            assert!(has(&metric, ""), "{file}: {metric}");
            // Prometheus adds the label `instance`.
            for (label, values) in labels.into_iter().filter(|(label, _)| label != "instance") {
                for value in values {
                    let pair = format!("{label}=\"{value}\"");
                    assert!(has(&metric, &pair), "{file}: {metric}{{{pair}}}");
                }
            }
        }
    }
    let dashboard = serde_json::from_str::<serde_json::Value>(&text("grafana-dashboard.json"));
    dashboard.expect("JSON");
}

#[test]
fn promtool_finds_nothing_wrong_with_the_alerts() {
    let checked = Command::new("promtool")
        .args(["check", "rules"])
        .arg(path("prometheus-alerts.yml"))
        .output();
    let Ok(checked) = checked else {
        eprintln!("not tested: promtool is not installed");
        return;
    };
    assert!(checked.status.success(), "{checked:?}");
}
