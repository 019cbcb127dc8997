//! The page that `--report` writes: one file with the figures, their plots, and how they were measured. It needs no
//! network and no script.

mod axis;
mod bars;
mod cards;
mod delays;
mod lines;
mod memory;
mod plot;
mod plots;
mod share;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{
    run_report::Report,
    table,
    warnings::{Warning, warnings},
};

/// The lab's colours and typefaces, and the report's own styles.
const STYLE: &str = concat!(
    include_str!("../../../../web/src/styles/palette.css"),
    include_str!("style.css")
);

/// The whole page as text.
pub fn page(document: &Report) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "What each transport cost: " (document.target.name) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (head(document))
                main {
                    (cards::cards(&document.transports))
                    (caveats(document))
                    (plots::plots(document))
                    (figures(document))
                    (methodology(document))
                }
            }
        }
    };
    page.into_string()
}

fn head(document: &Report) -> Markup {
    html! {
        header {
            p.kind { "poll-vs-sse compare" }
            h1 { "What each transport cost" }
            p.question {
                (document.target.name) ": " (table::workload(&document.workload)) "."
            }
            (invalidating(document))
            p.verdict { (document.verdict) }
        }
    }
}

/// The warnings that invalidate the figures, shown first.
fn invalidating(document: &Report) -> Markup {
    html! {
        @if document.interrupted {
            p.warning { "Stopped early: these are the figures up to then." }
        }
        @for warning in warnings_of(document, true) {
            p.warning.invalidates role="alert" { (warning.text) }
        }
    }
}

/// Further notes about the figures, collapsed.
fn caveats(document: &Report) -> Markup {
    let all = warnings_of(document, false);
    html! {
        @if !all.is_empty() {
            details.caveats {
                summary { (all.len()) @if all.len() == 1 { " caveat" } @else { " caveats" } }
                @for warning in all { p.warning { (warning.text) } }
            }
        }
    }
}

fn warnings_of(document: &Report, invalidating: bool) -> Vec<Warning> {
    let mut all = warnings(&document.target, &document.machine, &document.transports);
    all.retain(|warning| warning.invalidates == invalidating);
    all
}

fn figures(document: &Report) -> Markup {
    let mut rows = table::rows(document).into_iter();
    let heading = rows.next().unwrap_or_default();
    html! {
        h2 { "Figures" }
        @if let Some(audit) = table::audit(document) { p.audit { (audit) } }
        div.scroll {
            table {
                thead { tr { @for cell in &heading { th scope="col" { (cell) } } } }
                tbody {
                    @for row in rows {
                        tr.under[row[0].starts_with(' ')] {
                            @for (at, cell) in row.iter().enumerate() {
                                @if at == 0 { th scope="row" { (cell.trim()) } } @else { td { (cell) } }
                            }
                        }
                    }
                }
            }
        }
        p.note {
            "Requests, bytes and CPU are those of the measured time; deliveries are those of the messages \
             that were due within it. Figures per delivery are divided by the deliveries of the same time. \
             Bytes are seen from the server: "
            em { "in" } " is what clients sent."
        }
    }
}

fn methodology(document: &Report) -> Markup {
    let facts = [
        ("Server", table::server(document)),
        ("Profile", document.target.profile.clone()),
        ("Machine", document.machine.to_string()),
        ("Processors", document.pinning.to_string()),
        ("Began", truncate_seconds(&document.started_at)),
        ("poll-vs-sse", document.versions.own.clone()),
    ];
    html! {
        h2 { "How it was measured" }
        dl {
            @for (name, fact) in facts { dt { (name) } dd { (fact) } }
            dt { "Command" } dd { code { (document.command.join(" ")) } }
        }
        p.note {
            "Messages were published when they were due, even if earlier ones were unanswered, and delays count \
             from then. Every client recorded every message. Absolute times hold for this machine; \
             what carries over is one transport against another within one run."
        }
    }
}

/// A time as RFC 3339 gives it, without a fraction of a second.
fn truncate_seconds(time: &str) -> String {
    match time.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => time.to_owned(),
    }
}

#[cfg(test)]
mod tests;
