//! A comparison as text: the table, the warnings, the audit and the verdict.

use console::style;
use poll_vs_sse_model::text_table::wrap;

use super::{run_report::Report, table, warnings::warnings};

/// The table, warnings, the audit and the verdict, in lines of `width`.
pub fn text(report: &Report, in_colour: bool, width: Option<usize>) -> String {
    let mut text = format!("{}\n", table::table(report, width));
    for warning in warnings(&report.target, &report.machine, &report.transports) {
        let mark = if warning.invalidates { "!!" } else { "!" };
        let line = wrap(&format!("{mark} {}", warning.text), "   ", width);
        let line = style(line).force_styling(in_colour);
        let line = if warning.invalidates {
            line.red().bold()
        } else {
            line.yellow()
        };
        text += &format!("{line}\n");
    }
    if let Some(audit) = table::audit(report) {
        text += &format!("{}\n", wrap(&audit, "", width));
    }
    if report.interrupted {
        text += "Stopped early: what follows covers the measurement up to then.\n";
    }
    text + &wrap(&report.verdict, "", width) + "\n"
}
