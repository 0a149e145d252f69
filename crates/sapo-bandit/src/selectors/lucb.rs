use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use super::Selector;
use crate::paired::{PairedSample, lowest};
use crate::{Fraction, LossOracle, Nats, OracleError, Promise, Selection};

/// Of all arms, the leader and the rival that could be furthest ahead of it are asked next, until no rival can be ahead
/// by more than epsilon.
///
/// On the examples that rival a and leader h both saw, the mean difference is d with standard error s (without
/// replacement); a could be ahead by `r s - d`, where `r = sqrt(2 ln(5/4 K t^4 / delta))` in round t: the source's
/// exploration rate, with the paired standard error in place of its bound for losses in [0, 1].
///
/// # Promise
/// `Approximate`: with probability 1 - delta no arm is better by more than epsilon, if estimated standard errors are
/// taken for known ones and means for normal.
///
/// # Source
/// Kalyanakrishnan, Tewari, Auer, Stone 2012, PAC Subset Selection in Stochastic Multi-armed Bandits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Lucb {
    /// Probability of an error.
    pub delta: Fraction,
    /// A winner this close to the best, in nats a token, is no error.
    pub epsilon: Nats,
    /// Examples that every arm sees before any is preferred.
    pub min_examples: NonZeroUsize,
    /// Further examples that two arms are asked about at a time.
    pub batch: NonZeroUsize,
}

impl Default for Lucb {
    fn default() -> Self {
        Self {
            delta: Fraction::of(0.05),
            epsilon: Nats::of(0.0),
            min_examples: super::race::MIN_EXAMPLES,
            batch: super::race::BATCH,
        }
    }
}

impl Selector for Lucb {
    fn select(&self, oracle: &mut dyn LossOracle, seed: u64) -> Result<Selection, OracleError> {
        let mut sample = PairedSample::new(oracle, seed)?;
        let arms = sample.arms();
        for arm in 0..arms {
            sample.ask(arm, self.min_examples.get())?;
        }
        let mut round = 1.0_f64;
        loop {
            let standings = sample.standings();
            let leader = lowest(standings.iter().copied().enumerate());
            let rate = (2.0 * (1.25 * arms as f64 * round.powi(4) / self.delta.get()).ln()).max(0.0).sqrt();
            let at_best = |rival: usize| {
                let difference = sample.difference(rival, leader);
                let reach = difference.variance().sqrt();
                difference.ratio() - if reach == 0.0 { 0.0 } else { rate * reach }
            };
            let rivals = (0..arms).filter(|&arm| arm != leader);
            let rival = lowest(rivals.map(|rival| (rival, at_best(rival))));
            let shared = sample.seen(leader).min(sample.seen(rival));
            if arms == 1 || at_best(rival) >= -self.epsilon.get() || shared == sample.population() {
                let (confidence, within) = (1.0 - self.delta.get(), self.epsilon.get());
                return Ok(sample.finish(leader, Promise::Approximate { confidence, within }));
            }
            for arm in [leader, rival] {
                sample.ask(arm, shared + self.batch.get())?;
            }
            round += 1.0;
        }
    }
}
