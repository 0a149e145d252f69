use serde::{Deserialize, Serialize};

use super::Selector;
use super::elimination::{Round, eliminate};
use crate::{Fraction, LossOracle, OracleError, Selection};

/// In each of `ceil(log2 K)` rounds of equal cost, all arms still in are asked about the same further examples, and the
/// better half, `ceil(S / 2)` of S arms, stays in.
///
/// A round with S arms asks each about `floor(budget K N / (S ceil(log2 K)))` further examples; unlike in the source,
/// what earlier rounds saw is kept, and an arm that has seen everything is asked no more.
///
/// # Promise
/// None: the budget is fixed, and how often the winner is the best one depends on the problem.
///
/// # Source
/// Karnin, Koren, Somekh 2013, Almost Optimal Exploration in Multi-Armed Bandits, Algorithm 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SequentialHalving {
    /// Observations as a share of the exhaustive ones.
    pub budget: Fraction,
}

impl Default for SequentialHalving {
    fn default() -> Self {
        Self { budget: Fraction::of(0.25) }
    }
}

impl Selector for SequentialHalving {
    fn select(&self, oracle: &mut dyn LossOracle, seed: u64) -> Result<Selection, OracleError> {
        eliminate(oracle, seed, self.budget, rounds)
    }
}

fn rounds(arms: usize, budget: usize) -> Vec<Round> {
    let count = arms.next_power_of_two().ilog2() as usize;
    let (mut survivors, mut examples) = (arms, 0);
    let mut rounds = Vec::with_capacity(count);
    for _ in 0..count {
        examples += budget / (survivors * count);
        survivors = survivors.div_ceil(2);
        rounds.push(Round { examples, survivors });
    }
    rounds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_cost_the_same_and_end_with_one_arm() {
        let rounds = rounds(21, 1000);
        let survivors: Vec<usize> = rounds.iter().map(|round| round.survivors).collect();
        let examples: Vec<usize> = rounds.iter().map(|round| round.examples).collect();
        assert_eq!(survivors, [11, 6, 3, 2, 1]);
        // 1000 / 5 rounds = 200 observations each, over 21, 11, 6, 3, 2 arms
        assert_eq!(examples, [9, 9 + 18, 27 + 33, 60 + 66, 126 + 100]);
    }
}
