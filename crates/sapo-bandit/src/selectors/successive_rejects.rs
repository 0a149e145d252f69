use serde::{Deserialize, Serialize};

use super::Selector;
use super::elimination::{Round, eliminate};
use crate::{Fraction, LossOracle, OracleError, Selection};

/// In each of K - 1 phases all arms still in are asked up to a common number of examples, and the worst one drops out.
///
/// With `B = budget K N` and `L = 1/2 + 1/2 + 1/3 + ... + 1/K`, an arm has seen `n_k = ceil((B - K) / (L (K + 1 - k)))`
/// examples by the end of phase k; an arm that has seen everything is asked no more.
///
/// # Promise
/// None: the budget is fixed, and how often the winner is the best one depends on the problem.
///
/// # Source
/// Audibert, Bubeck, Munos 2010, Best Arm Identification in Multi-Armed Bandits, Figure 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SuccessiveRejects {
    /// Observations as a share of the exhaustive ones.
    pub budget: Fraction,
}

impl Default for SuccessiveRejects {
    fn default() -> Self {
        Self { budget: Fraction::of(0.25) }
    }
}

impl Selector for SuccessiveRejects {
    fn select(&self, oracle: &mut dyn LossOracle, seed: u64) -> Result<Selection, OracleError> {
        eliminate(oracle, seed, self.budget, rounds)
    }
}

fn rounds(arms: usize, budget: usize) -> Vec<Round> {
    let log = 0.5 + (2..=arms).map(|i| 1.0 / i as f64).sum::<f64>();
    let spare = budget.saturating_sub(arms) as f64;
    let phase = |k: usize| {
        let examples = (spare / (log * (arms + 1 - k) as f64)).ceil() as usize;
        Round { examples, survivors: arms - k }
    };
    (1..arms).map(phase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_spend_the_budget() {
        let rounds = rounds(4, 100);
        // L = 1/2 + 1/2 + 1/3 + 1/4 = 1.5833; (100 - 4) / L = 60.63; over 4, 3, 2
        let examples: Vec<usize> = rounds.iter().map(|round| round.examples).collect();
        assert_eq!(examples, [16, 21, 31]);
        assert_eq!(rounds.iter().map(|round| round.survivors).collect::<Vec<_>>(), [3, 2, 1]);
    }
}
