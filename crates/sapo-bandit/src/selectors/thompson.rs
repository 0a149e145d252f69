use std::num::NonZeroUsize;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::Selector;
use super::elimination::budget;
use crate::paired::{PairedSample, extremes, lowest};
use crate::{Fraction, LossOracle, Nats, OracleError, Promise, Selection, draws};

/// The rival that looks best in a random draw from what is known of the differences to the leader is asked next, and
/// the leader with it, until the chance that any rival is better is small, or the budget is spent.
///
/// What is known of arm a minus the leader is taken as normal about the paired mean, with the squared standard error
/// (without replacement) as variance. It ends when the chances, by Student's distribution, that a rival is better by
/// more than `slack = epsilon + tolerance spread` sum up to at most delta; the spread is the estimated mean of the worst
/// arm minus that of the best.
///
/// # Promise
/// `Approximate` when it ended so: with probability 1 - delta no arm is better by more than the slack, in the eyes of an
/// observer who held all differences equally likely beforehand and takes means for normal. None when the budget ran
/// out.
///
/// # Source
/// Thompson 1933, On the Likelihood that One Unknown Probability Exceeds Another; that a rival and not the leader is
/// asked is the top-two idea of Russo 2016, Simple Bayesian Algorithms for Best Arm Identification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Thompson {
    /// Chance at which it ends.
    pub delta: Fraction,
    /// A winner this close to the best, in nats a token, is no error.
    pub epsilon: Nats,
    /// Nor is one that is closer than this share of the spread of all arms.
    pub tolerance: Fraction,
    /// Observations as a share of the exhaustive ones.
    pub budget: Fraction,
    /// Examples that every arm sees before any is preferred.
    pub min_examples: NonZeroUsize,
    /// Further examples that two arms are asked about at a time.
    pub batch: NonZeroUsize,
}

impl Default for Thompson {
    fn default() -> Self {
        Self {
            delta: Fraction::of(0.1),
            epsilon: Nats::of(0.0),
            tolerance: Fraction::of(0.01),
            budget: Fraction::of(1.0),
            min_examples: super::race::MIN_EXAMPLES,
            batch: super::race::BATCH,
        }
    }
}

impl Selector for Thompson {
    fn select(&self, oracle: &mut dyn LossOracle, seed: u64) -> Result<Selection, OracleError> {
        let mut sample = PairedSample::new(oracle, seed)?;
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(1);
        let arms = sample.arms();
        let budget = budget(self.budget, arms, sample.population());
        let first = self.min_examples.get().min(budget / arms).max(1);
        for arm in 0..arms {
            sample.ask(arm, first)?;
        }
        loop {
            let standings = sample.standings();
            let leader = lowest(standings.iter().copied().enumerate());
            let rivals = (0..arms).filter(|&arm| arm != leader);
            let (low, high) = extremes(&standings);
            let slack = self.epsilon.get() + self.tolerance.get() * (high - low);
            let risk = |rival| sample.difference(rival, leader).risk_below(slack);
            if rivals.clone().map(risk).sum::<f64>() <= self.delta.get() {
                let confidence = 1.0 - self.delta.get();
                return Ok(sample.finish(leader, Promise::Approximate { confidence, within: slack }));
            }
            let shared = |rival: usize| sample.seen(leader).min(sample.seen(rival));
            let mut open: Vec<usize> = rivals.filter(|&rival| shared(rival) < sample.population()).collect();
            if sample.observations() >= budget || open.is_empty() {
                return Ok(sample.finish(leader, Promise::None));
            }
            // Draws go by rank, so that the names of the arms do not matter.
            open.sort_by(|&a, &b| standings[a].total_cmp(&standings[b]));
            let drawn = open.iter().map(|&rival| {
                let difference = sample.difference(rival, leader);
                (rival, difference.ratio() + difference.variance().sqrt() * draws::gaussian(&mut rng))
            });
            let rival = lowest(drawn.collect::<Vec<_>>().into_iter());
            let count = shared(rival) + self.batch.get();
            for arm in [leader, rival] {
                let room = budget.saturating_sub(sample.observations());
                sample.ask(arm, count.min(sample.seen(arm) + room))?;
            }
        }
    }
}
