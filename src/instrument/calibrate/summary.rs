//! The results of a calibration, as printed at its end.

use super::{MeasurePurpose, check::error};
use crate::{
    Transport,
    model::{FormConstants, MeasuredPoint, Model, WireForm},
};
use poll_vs_sse_model::{
    format::{significant, size, with_thousands},
    text_table::align,
};

/// The constants, every point with the model's error, and how far the model may be trusted.
pub fn summary(model: &Model) -> String {
    format!(
        "{}\n{}\n{}\n{}",
        align(&constants(model)),
        align(&forms(model)),
        align(&points(&model.points)),
        error_sentence(model)
    )
}

fn constants(model: &Model) -> Vec<Vec<String>> {
    let heading = Transport::ALL.map(|transport| transport.to_string());
    let mut lines = vec![line("", heading)];
    let us = |value: f64| format!("{} µs", significant(value));
    let mut add = |name: &str, cell: &dyn Fn(Transport) -> String| {
        lines.push(line(name, Transport::ALL.map(cell)));
    };
    let of = |transport| model.transports.get(transport);
    add("a request, bytes", &|one| {
        significant(of(one).request_bytes)
    });
    add("an answer, bytes", &|one| significant(of(one).answer_bytes));
    add("a message without its text, bytes", &|one| {
        significant(of(one).message_bytes)
    });
    add("a request, CPU", &|one| us(of(one).request_us));
    add(
        "  extra if it brings messages",
        &|one| us(of(one).answer_us),
    );
    add("a message, CPU", &|one| us(of(one).message_us));
    add("  extra after a long pause", &|one| us(of(one).cold_us));
    add("  each KiB of it", &|one| us(of(one).kib_us));
    add("a keep-alive, CPU", &|one| us(of(one).keep_alive_us));
    add("a client, memory", &|one| size(of(one).client_bytes));
    add("  each byte of its answers", &|one| {
        significant(of(one).answer_share)
    });
    let all = |value: String| [value, String::new(), String::new()];
    lines.push(line("waking up, CPU", all(us(model.wake_us))));
    lines.push(line(
        "  extra after a long sleep",
        all(us(model.deep_wake_us)),
    ));
    lines.push(line("a connection, CPU", all(us(model.connect_us))));
    lines.push(line("receiving a message, CPU", all(us(model.publish_us))));
    lines.push(line(
        "  extra after a long pause",
        all(us(model.publish_cold_us)),
    ));
    lines.push(line("the process, CPU a second", all(us(model.base_us))));
    lines.push(line(
        "the process, memory",
        all(size(model.base_memory_bytes)),
    ));
    lines
}

fn line<const N: usize>(name: &str, cells: [String; N]) -> Vec<String> {
    std::iter::once(name.to_owned()).chain(cells).collect()
}

/// The extra costs of each form.
fn forms(model: &Model) -> Vec<Vec<String>> {
    let mut lines = vec![line(
        "in addition",
        WireForm::ALL.map(WireForm::description),
    )];
    let us = |value: f64| format!("{} µs", significant(value));
    let mut add = |name: &str, cell: &dyn Fn(FormConstants) -> String| {
        lines.push(line(name, WireForm::ALL.map(|form| cell(model.form(form)))));
    };
    add("a request, CPU", &|one| us(one.request_us));
    add("waking up, CPU", &|one| {
        format!("{} %", significant(100.0 * one.wake_share))
    });
    add("receiving a message after a long pause, CPU", &|one| {
        us(one.publish_cold_us)
    });
    add("a message on a stream, CPU", &|one| us(one.event_us));
    add("a connection, CPU", &|one| us(one.connect_us));
    add("each KiB of a request's head, CPU", &|one| {
        us(one.head_kib_us)
    });
    add("a client, memory", &|one| size(one.client_bytes));
    lines
}

fn points(points: &[MeasuredPoint]) -> Vec<Vec<String>> {
    let headings = [
        "",
        "clients",
        "messages/s",
        "bytes",
        "interval",
        "cores",
        "the model",
        "off by",
        "requests",
        "bytes in",
        "bytes out",
    ];
    let mut lines = vec![headings.map(str::to_owned).to_vec()];
    for point in points {
        let purpose = match point.purpose {
            MeasurePurpose::Check => " (check)",
            MeasurePurpose::FitConnecting => " (connecting)",
            MeasurePurpose::FitIdle => " (idle)",
            MeasurePurpose::Fit => "",
        };
        let name = format!("{}{}{purpose}", point.transport, point.variant());
        // Not all of these handshakes resume a session, as the model assumes.
        let bytes = |pair| match point.purpose {
            MeasurePurpose::FitConnecting => "-".to_owned(),
            _ => error_text(pair),
        };
        lines.push(vec![
            name,
            with_thousands(point.clients as u64),
            significant(point.rate),
            with_thousands(point.size as u64),
            point
                .interval_s
                .map_or("-".to_owned(), |s| format!("{s} s")),
            format!("{:.4}", point.cores[0]),
            format!("{:.4}", point.cores[1]),
            error_text(point.cores),
            error_text(point.requests_per_s),
            match point.has_comparable_requests() {
                true => bytes(point.wire_bytes_in_per_s),
                false => "-".to_owned(),
            },
            bytes(point.wire_bytes_out_per_s),
        ]);
    }
    lines
}

fn error_text(pair: [f64; 2]) -> String {
    match pair {
        [0.0, _] => "-".to_owned(),
        pair => format!("{:+.1} %", error(pair) * 100.0),
    }
}

/// How far the model may be trusted, in a sentence.
fn error_sentence(model: &Model) -> String {
    let errors = &model.errors;
    let percent = |share: f64| significant(share * 100.0);
    format!(
        "On the points it was not fitted to, the model is off by up to {} % of CPU (half of them less than \
         {} %), {} % of bytes and {} % of requests.",
        percent(errors.cpu_worst),
        percent(errors.cpu_median),
        percent(errors.bytes_worst),
        percent(errors.requests_worst.unwrap_or(0.0)),
    )
}
