//! Paired racing.

mod bernstein_serfling;
mod betting;
mod bound;
mod field;

pub use bound::Bound;

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use super::Selector;
use crate::paired::PairedSample;
use crate::{Fraction, LossOracle, Nats, OracleError, Selection};
use bound::{Account, Judge};
use field::Field;

/// Examples that the sequential rules ask every arm about before any is preferred.
pub(super) const MIN_EXAMPLES: NonZeroUsize = const { NonZeroUsize::new(10).expect("not zero") };

/// Further examples at a time in the sequential rules.
pub(super) const BATCH: NonZeroUsize = const { NonZeroUsize::new(5).expect("not zero") };

/// All arms still in are asked about the next batch of examples, and an arm drops out when its paired difference to the
/// leader is surely positive.
///
/// With epsilon above 0 an arm may also drop out when it is surely not better than the leader by more than epsilon: a
/// tie is not raced to the end. Such a concession is made once on the way to the winner and not added up: an arm that
/// others conceded to drops out only when it is surely worse.
///
/// It ends with one arm left. When the examples run out, what is left is compared exactly.
///
/// # Promise
/// That of its [`Bound`].
///
/// # Source
/// Maron and Moore 1994, Hoeffding Races; Mnih, Szepesvari, Audibert 2008, Empirical Bernstein Stopping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
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
        let mut judge = Judge::new(self.bound, self.delta.get());
        let mut account = Account::new(self.delta.get());
        let mut field = Field::new(sample.arms());
        let mut looks = 0;
        let mut examples = 0;
        while field.arms.len() > 1 && examples < sample.population() {
            examples = self.next_look(examples).min(sample.population());
            sample.ask_each(&field.arms, examples)?;
            judge.look(&sample);
            looks += 1;
            let share = judge.share(sample.arms(), looks);
            let standings = sample.standings();
            let risks = |rival, leader, slack| judge.risk(&sample, rival, leader, slack);
            field.drop_behind(&standings, self.epsilon.get(), risks, |risk, rivals| match self.bound {
                Bound::PairedT => account.accepts(risk, rivals),
                Bound::BernsteinSerfling { .. } | Bound::Betting { .. } => risk <= share,
            });
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
