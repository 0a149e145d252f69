use super::Selector;
use crate::{ArmEvidence, Interval, LossOracle, OracleError, Promise, Selection};

/// Which end of the ranking wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Objective {
    /// SAPO.
    Lowest,
    /// SAPP, the paper's control.
    Highest,
}

/// Every arm on every example of the population. Ties go to the arm that comes first.
///
/// # Source
/// Shi et al. 2026 (arXiv 2606.01967), Algorithm 1, lines 2 and 3.
#[derive(Debug, Clone, Copy)]
pub struct Exhaustive(pub Objective);

impl Selector for Exhaustive {
    fn select(&self, oracle: &mut dyn LossOracle, _seed: u64) -> Result<Selection, OracleError> {
        let population: Vec<usize> = (0..oracle.examples()).collect();
        let mut forward_tokens = 0;
        let mut arms = Vec::with_capacity(oracle.arms());
        let mut best: Option<(usize, f64)> = None;
        for arm in 0..oracle.arms() {
            let observations = oracle.observe(arm, &population)?;
            forward_tokens += observations.iter().map(|observation| observation.forward_tokens).sum::<u64>();
            let evidence = ArmEvidence::token_mean(&observations);
            let mean = evidence.mean.filter(|mean| mean.is_finite());
            let mean = mean
                .ok_or_else(|| format!("arm {arm} has no finite loss over {} examples", population.len()))?;
            let wins = best.is_none_or(|(_, best)| match self.0 {
                Objective::Lowest => mean < best,
                Objective::Highest => mean > best,
            });
            if wins {
                best = Some((arm, mean));
            }
            arms.push(evidence);
        }
        let (winner, won) = best.ok_or("there are no arms to choose from")?;
        for (arm, evidence) in arms.iter_mut().enumerate() {
            evidence.interval = evidence.mean.map(Interval::point);
            evidence.behind = evidence.mean.filter(|_| arm != winner).map(|mean| Interval::point(mean - won));
        }
        Ok(Selection { winner, arms, forward_tokens, promise: Promise::Exact })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Observation;
    use proptest::prelude::*;

    struct Table(Vec<Vec<f64>>);

    impl LossOracle for Table {
        fn arms(&self) -> usize {
            self.0.len()
        }

        fn examples(&self) -> usize {
            self.0[0].len()
        }

        fn observe(&mut self, arm: usize, examples: &[usize]) -> Result<Vec<Observation>, OracleError> {
            let one =
                |&i: &usize| Observation { nll_sum: self.0[arm][i], target_tokens: 1, forward_tokens: 7 };
            Ok(examples.iter().map(one).collect())
        }
    }

    #[test]
    fn counts_every_target_token_the_same() {
        let observations = [
            Observation { nll_sum: 3.0, target_tokens: 3, forward_tokens: 1 },
            Observation { nll_sum: 5.0, target_tokens: 1, forward_tokens: 1 },
        ];
        assert_eq!(ArmEvidence::token_mean(&observations).mean, Some(2.0));
    }

    #[test]
    fn refuses_a_loss_that_is_not_a_number() {
        let error =
            Exhaustive(Objective::Lowest).select(&mut Table(vec![vec![1.0], vec![f64::NAN]]), 0).unwrap_err();
        assert_eq!(error.to_string(), "arm 1 has no finite loss over 1 examples");
    }

    proptest! {
        #[test]
        fn lowest_and_highest_mean_win_and_relabelling_relabels(
            losses in prop::collection::vec(prop::collection::vec(0.0_f64..10.0, 5), 2..8),
            turn in 0_usize..8,
        ) {
            let mean = |arm: usize| losses[arm].iter().sum::<f64>() / 5.0;
            let lowest = Exhaustive(Objective::Lowest).select(&mut Table(losses.clone()), 0).unwrap();
            let highest = Exhaustive(Objective::Highest).select(&mut Table(losses.clone()), 0).unwrap();
            for arm in 0..losses.len() {
                prop_assert!(mean(lowest.winner) <= mean(arm) && mean(arm) <= mean(highest.winner));
            }
            prop_assert_eq!(lowest.forward_tokens, 7 * 5 * losses.len() as u64);

            let turn = turn % losses.len();
            let mut turned = losses.clone();
            turned.rotate_left(turn);
            let again = Exhaustive(Objective::Lowest).select(&mut Table(turned), 0).unwrap();
            prop_assert_eq!(losses[lowest.winner].clone(), losses[(again.winner + turn) % losses.len()].clone());
        }
    }
}
