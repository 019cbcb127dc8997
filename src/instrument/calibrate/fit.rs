//! Least squares with coefficients that are not negative, on relative errors.

/// One measurement: how often each event happened, and the total cost.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation<const N: usize> {
    pub counts: [f64; N],
    pub cost: f64,
    /// The part of the cost that is known already, and that the counts do not explain.
    pub known: f64,
}

/// Enough for the coefficients to settle far more precisely than the measurements.
const MAX_ITERATIONS: usize = 20_000;
const TOLERANCE: f64 = 1e-12;

/// The non-negative cost of one event of each kind that minimises the sum of squared relative errors of the rows'
/// costs. An event that never happens costs 0.
pub fn fit<const N: usize>(rows: &[Observation<N>]) -> [f64; N] {
    let rows = || rows.iter().filter(|row| row.cost > 0.0);
    let weighted: Vec<[f64; N]> = rows()
        .map(|row| row.counts.map(|count| count / row.cost))
        .collect();
    let mut found = [0.0; N];
    // The unexplained part of each row's cost, which is normalised to 1.
    let mut lacking: Vec<f64> = rows().map(|row| 1.0 - row.known / row.cost).collect();
    for _ in 0..MAX_ITERATIONS {
        let mut moved: f64 = 0.0;
        for which in 0..N {
            let square: f64 = weighted.iter().map(|row| row[which] * row[which]).sum();
            if square == 0.0 {
                continue;
            }
            let pull: f64 = weighted
                .iter()
                .zip(&lacking)
                .map(|(row, lacking)| row[which] * lacking)
                .sum();
            let next = (found[which] + pull / square).max(0.0);
            let step = next - found[which];
            for (row, lacking) in weighted.iter().zip(&mut lacking) {
                *lacking -= row[which] * step;
            }
            found[which] = next;
            moved = moved.max(step.abs() * square.sqrt());
        }
        if moved < TOLERANCE {
            break;
        }
    }
    found
}

/// The remaining sum of squared relative errors.
pub fn residual<const N: usize>(rows: &[Observation<N>], found: &[f64; N]) -> f64 {
    let told = rows.iter().filter(|row| row.cost > 0.0);
    told.map(|row| 1.0 - row.predicted(found) / row.cost)
        .map(|off| off * off)
        .sum()
}

impl<const N: usize> Observation<N> {
    /// All of `cost` is due to `counts`.
    pub fn new(counts: [f64; N], cost: f64) -> Self {
        Self {
            counts,
            cost,
            known: 0.0,
        }
    }

    /// Its cost if each event costs what was `found`.
    pub fn predicted(&self, found: &[f64; N]) -> f64 {
        let costs = self.counts.iter().zip(found);
        self.known + costs.map(|(count, each)| count * each).sum::<f64>()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(counts: [f64; 3], costs: [f64; 3]) -> Observation<3> {
        let cost = counts.iter().zip(costs).map(|(count, each)| count * each);
        Observation::new(counts, cost.sum())
    }

    proptest! {
        #[test]
        fn exact_costs_are_found(costs in [0.1..100.0_f64, 0.1..100.0_f64, 0.1..100.0_f64]) {
            let rows = [
                row([1000.0, 10.0, 0.0], costs),
                row([1000.0, 5000.0, 0.0], costs),
                row([10.0, 100.0, 300.0], costs),
                row([500.0, 500.0, 500.0], costs),
            ];
            let found = fit(&rows);
            for (found, cost) in found.iter().zip(costs) {
                prop_assert!((found / cost - 1.0).abs() < 1e-4, "fitted {found} instead of {cost}");
            }
        }
    }

    #[test]
    fn a_known_part_is_left_out() {
        let both = [[10.0, 0.0, 0.0], [20.0, 30.0, 0.0]].map(|counts| Observation {
            known: 100.0,
            cost: 100.0 + row(counts, [5.0, 2.0, 0.0]).cost,
            ..row(counts, [0.0; 3])
        });
        let [first, second, _] = fit(&both);
        assert!((first - 5.0).abs() < 1e-3 && (second - 2.0).abs() < 1e-3);
        assert!(residual(&both, &[first, second, 0.0]) < 1e-6);
    }

    #[test]
    fn no_cost_is_negative() {
        // An exact fit would need a negative second cost.
        let rows = [
            Observation::new([1.0, 0.0, 0.0], 10.0),
            Observation::new([1.0, 1.0, 0.0], 8.0),
        ];
        let [first, second, never] = fit(&rows);
        assert!(first > 8.0 && first < 10.0);
        assert_eq!((second, never), (0.0, 0.0));
    }
}
