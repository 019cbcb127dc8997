//! The report as text.

use console::style;
use poll_vs_sse_model::text_table::wrap;

use super::findings::{CheckReport, Finding, Severity};

const INDENT: &str = "                 ";

/// The report in lines of `width`, the answer first.
pub fn text(report: &CheckReport, in_colour: bool, width: Option<usize>) -> String {
    let lines = report.findings.iter();
    let lines: Vec<String> = lines.map(|one| line(one, in_colour, width)).collect();
    format!(
        "{}\n\n{}\n",
        wrap(&summary(report), "", width),
        lines.join("\n")
    )
}

fn summary(report: &CheckReport) -> String {
    let way = match (&report.proxy, &report.server) {
        (Some(proxy), Some(server))
            if !server.to_lowercase().starts_with(&proxy.to_lowercase()) =>
        {
            format!(" (through {proxy}, {server})")
        }
        (Some(proxy), _) => format!(" (through {proxy})"),
        (None, Some(server)) => format!(" ({server})"),
        (None, None) => String::new(),
    };
    let bad: Vec<&str> = report
        .findings
        .iter()
        .filter(|one| one.result == Severity::Bad)
        .map(|one| one.name.label())
        .collect();
    match bad.is_empty() {
        true => format!("SSE works at {}{way}.", report.url),
        false => format!(
            "SSE does not work at {}{way}: {}.",
            report.url,
            bad.join(", ")
        ),
    }
}

fn line(finding: &Finding, in_colour: bool, width: Option<usize>) -> String {
    let mark = match finding.result {
        Severity::Good => " ",
        Severity::Unknown => "?",
        Severity::Warning => "!",
        Severity::Bad => "!!",
    };
    let text = format!("{mark:<2} {:<13} {}", finding.name.label(), finding.text);
    let text = style(wrap(&text, INDENT, width)).force_styling(in_colour);
    let text = match finding.result {
        Severity::Good | Severity::Unknown => text,
        Severity::Warning => text.yellow(),
        Severity::Bad => text.red().bold(),
    };
    match &finding.advice {
        None => text.to_string(),
        Some(advice) => {
            let advice = wrap(&format!("{INDENT}-> {advice}"), INDENT, width);
            format!("{text}\n{advice}")
        }
    }
}
