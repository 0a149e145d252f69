use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use super::Selector;
use super::elimination::budget;
use crate::paired::{PairedSample, lowest};
use crate::{Fraction, LossOracle, OracleError, Promise, Selection};

/// The arm of the lowest optimistic estimate is asked next, until the budget is spent; then the lowest estimate wins.
///
/// The estimate of an arm is its mean difference d to one reference arm, which is asked about as many examples as any
/// other: the optimistic one is `d - sqrt(exploration) s`, with s the standard error of d (without replacement).
/// The source has `sqrt(exploration / n)` for losses in [0, 1]; the standard error brings in the scale of the losses.
///
/// # Promise
/// None: the budget is fixed, and how often the winner is the best one depends on the problem.
///
/// # Source
/// Audibert, Bubeck, Munos 2010, Best Arm Identification in Multi-Armed Bandits, Figure 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UcbE {
    /// Observations as a share of the exhaustive ones.
    pub budget: Fraction,
    /// The source's a, a whole number here: how much is spent on arms that only might be good.
    pub exploration: NonZeroUsize,
    /// Examples that every arm sees before any is preferred.
    pub min_examples: NonZeroUsize,
    /// Further examples that an arm is asked about at a time.
    pub batch: NonZeroUsize,
}

impl Default for UcbE {
    fn default() -> Self {
        Self {
            budget: Fraction::of(0.25),
            exploration: const { NonZeroUsize::new(4).expect("not zero") },
            min_examples: super::race::MIN_EXAMPLES,
            batch: super::race::BATCH,
        }
    }
}

impl Selector for UcbE {
    fn select(&self, oracle: &mut dyn LossOracle, seed: u64) -> Result<Selection, OracleError> {
        let mut sample = PairedSample::new(oracle, seed)?;
        let (arms, population) = (sample.arms(), sample.population());
        let budget = budget(self.budget, arms, population);
        let first = self.min_examples.get().min(budget / arms).max(1);
        for arm in 0..arms {
            sample.ask(arm, first)?;
        }
        let exploration = (self.exploration.get() as f64).sqrt();
        loop {
            let standings = sample.standings();
            let open = (0..arms).filter(|&arm| sample.seen(arm) < population);
            let room = budget.saturating_sub(sample.observations());
            if room == 0 || open.clone().next().is_none() {
                let winner = lowest(standings.into_iter().enumerate());
                return Ok(sample.finish(winner, Promise::None));
            }
            let reference = sample.reference();
            let error = |arm| sample.difference(arm, reference).variance().sqrt();
            let optimistic = |arm: usize| standings[arm] - exploration * error(arm);
            let arm = lowest(open.map(|arm| (arm, optimistic(arm))));
            let count = sample.seen(arm) + self.batch.get().min(room);
            sample.ask(arm, count)?;
        }
    }
}
