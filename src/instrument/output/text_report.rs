//! A comparison as text: first the warnings that invalidate it, the verdict and three figures for each transport,
//! then all figures and further notes.

use console::style;
use poll_vs_sse_model::text_table::wrap;

use super::{
    cards,
    run_report::Report,
    table,
    warnings::{Warning, warnings},
};

/// The whole text, in lines of `width`.
pub fn text(report: &Report, in_colour: bool, width: Option<usize>) -> String {
    let (invalidating, caveats): (Vec<Warning>, Vec<Warning>) =
        warnings(&report.target, &report.machine, &report.transports)
            .into_iter()
            .partition(|warning| warning.invalidates);
    let mut text = format!("{}\n\n", table::question_lines(report, width));
    for warning in invalidating {
        let line = wrap(&format!("!! {}", warning.text), "   ", width);
        text += &format!("{}\n", style(line).force_styling(in_colour).red().bold());
    }
    if report.interrupted {
        text += "Stopped early: what follows covers the measurement up to then.\n";
    }
    let verdict = wrap(&report.verdict, "", width);
    text += &format!("{}\n\n", style(verdict).force_styling(in_colour).bold());
    text += &format!("{}\n", cards::lines(&report.transports));
    text += &format!("{}\n", table::table(report));
    if let Some(audit) = table::audit(report) {
        text += &format!("{}\n", wrap(&audit, "", width));
    }
    for warning in caveats {
        let line = wrap(&format!("! {}", warning.text), "  ", width);
        text += &format!("{}\n", style(line).force_styling(in_colour).yellow());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Transport,
        test_fixtures::{document, outcome},
    };

    #[test]
    fn the_verdict_comes_before_the_figures_and_caveats_after_them() {
        let mut blind = outcome(Transport::Poll);
        blind.server_cpu_s = None;
        let mut report = document(vec![blind, outcome(Transport::Stream)]);
        report.target.pid = Some(1);
        report.target.pid_listens = Some(false);
        let text = text(&report, false, Some(80));
        let at = |words: &str| {
            text.find(words)
                .unwrap_or_else(|| panic!("{words}: {text}"))
        };
        let verdict = report.verdict.split_whitespace().next().expect("a verdict");
        assert!(at(verdict) < at("wire bytes a delivery"), "{text}");
        assert!(at("wire bytes a delivery") < at("deliveries  "), "{text}");
        let caveats: Vec<usize> = text.match_indices("\n! ").map(|(at, _)| at).collect();
        assert!(!caveats.is_empty() && caveats.iter().all(|caveat| *caveat > at("deliveries  ")));
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
    }

    #[test]
    fn warnings_that_invalidate_the_run_come_first() {
        let mut lost = outcome(Transport::Poll);
        lost.missed = 3;
        let report = document(vec![lost]);
        let text = text(&report, false, None);
        let at = |words: &str| {
            text.find(words)
                .unwrap_or_else(|| panic!("{words}: {text}"))
        };
        assert!(at("!! ") < at("No verdict"), "{text}");
    }
}
