//! A card for each transport: its three figures, with bars on one scale for all of them.

use maud::{Markup, html};

use crate::{
    RunResult,
    output::cards::{CARD, CardFigure},
};

pub fn cards(outcomes: &[RunResult]) -> Markup {
    html! {
        div.cards {
            @for outcome in outcomes {
                article.card data-transport=(outcome.transport) {
                    h2 { (outcome.transport) }
                    dl {
                        @for figure in &CARD {
                            dt { (figure.name) }
                            dd.card-figure { (figure.text(outcome)) }
                            dd.card-bar aria-hidden="true"
                                style=(format!("--of-scale:{:.2}%", share(figure, outcome, outcomes))) {}
                        }
                    }
                }
            }
        }
    }
}

/// Percent of the largest.
fn share(figure: &CardFigure, outcome: &RunResult, outcomes: &[RunResult]) -> f64 {
    let values = outcomes.iter().filter_map(figure.of);
    let most = values.fold(0.0, f64::max);
    match (figure.of)(outcome) {
        Some(value) if most > 0.0 => 100.0 * value / most,
        _ => 0.0,
    }
}
