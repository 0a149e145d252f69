//! Paired racing.

mod bernstein_serfling;
mod betting;
mod bound;

pub use bound::Bound;

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use super::Selector;
use crate::paired::{PairedSample, lowest};
use crate::{Fraction, LossOracle, Nats, OracleError, Selection};
use bound::Judge;

/// Examples that the sequential rules ask every arm about before any is preferred.
pub(super) const MIN_EXAMPLES: NonZeroUsize = const { NonZeroUsize::new(10).expect("not zero") };

/// Further examples at a time in the sequential rules.
pub(super) const BATCH: NonZeroUsize = const { NonZeroUsize::new(5).expect("not zero") };

/// All arms still in are asked about the next batch of examples, and an arm drops out when its paired difference to the
/// leader is surely positive.
///
/// With epsilon above 0 an arm may also drop out when it is surely not better than the leader by more than epsilon: a tie
/// is not raced to the end. Such a concession is made once on the way to the winner and not added up: an arm that others
/// conceded to drops out only when it is surely worse.
///
/// It ends with one arm left. When the examples run out, what is left is compared exactly.
///
/// # Promise
/// That of its [`Bound`].
///
/// # Source
/// Maron and Moore 1994, Hoeffding Races; Mnih, Szepesvari, Audibert 2008, Empirical Bernstein Stopping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Race {
    /// What "surely" means.
    pub bound: Bound,
    /// Probability of an error.
    pub delta: Fraction,
    /// A winner this close to the best, in nats a token, is no error.
    pub epsilon: Nats,
    /// Examples that every arm sees before any drops out.
    pub min_examples: NonZeroUsize,
    /// Further examples at a time, at least.
    pub batch: NonZeroUsize,
    /// Further examples at a time, at least this share of those already seen.
    pub growth: Fraction,
}

impl Default for Race {
    fn default() -> Self {
        Self {
            bound: Bound::PairedT,
            delta: Fraction::of(0.05),
            epsilon: Nats::of(0.0),
            min_examples: MIN_EXAMPLES,
            batch: BATCH,
            growth: Fraction::of(0.0),
        }
    }
}

impl Selector for Race {
    fn select(&self, oracle: &mut dyn LossOracle, seed: u64) -> Result<Selection, OracleError> {
        let mut sample = PairedSample::new(oracle, seed)?;
        let mut judge = Judge::new(self.bound, self.delta.get(), sample.arms());
        let mut field = Field::new(sample.arms());
        let mut examples = 0;
        while field.arms.len() > 1 && examples < sample.population() {
            examples = self.next_look(examples).min(sample.population());
            for &arm in &field.arms {
                sample.ask(arm, examples)?;
            }
            judge.look(&sample);
            field.drop_behind(&sample, self.epsilon.get(), &mut judge);
        }
        let promise = judge.promise(self.epsilon.get());
        Ok(sample.finish(field.leader, promise))
    }
}

impl Race {
    fn next_look(&self, examples: usize) -> usize {
        if examples == 0 {
            return self.min_examples.get();
        }
        let growth = (self.growth.get() * examples as f64).floor() as usize;
        examples + growth.max(self.batch.get())
    }
}

/// The arms still in, all on the same examples.
struct Field {
    arms: Vec<usize>,
    leader: usize,
    /// Whether an arm outlived another that might be better than it by up to epsilon.
    conceded_to: Vec<bool>,
}

impl Field {
    fn new(arms: usize) -> Self {
        Self { arms: (0..arms).collect(), leader: 0, conceded_to: vec![false; arms] }
    }

    /// Drops the arms that are surely behind the leader, the most hopeless first.
    fn drop_behind(&mut self, sample: &PairedSample, epsilon: f64, judge: &mut Judge) {
        let standings = sample.standings();
        let leader = lowest(self.arms.iter().map(|&arm| (arm, standings[arm])));
        let risk = |rival: usize, slack: f64| judge.risk(sample, rival, leader, slack);
        let mut rivals: Vec<(usize, f64)> =
            self.arms.iter().filter(|&&arm| arm != leader).map(|&arm| (arm, risk(arm, 0.0))).collect();
        rivals.sort_by(|(_, a), (_, b)| a.total_cmp(b));
        (self.leader, self.arms) = (leader, vec![leader]);
        let count = rivals.len();
        for (place, (rival, of_being_better)) in rivals.into_iter().enumerate() {
            let left = count - place;
            if judge.accepts(of_being_better, left) {
                self.conceded_to[leader] |= self.conceded_to[rival];
            } else if !self.conceded_to[rival]
                && judge.accepts(judge.risk(sample, rival, leader, epsilon), left)
            {
                self.conceded_to[leader] = true;
            } else {
                self.arms.push(rival);
            }
        }
    }
}
