//! Paired racing.

mod bernstein_serfling;
mod betting;
mod bound;
mod field;

pub use bound::Bound;

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use super::Selector;
use crate::paired::{PairedSample, extremes};
use crate::{Fraction, LossOracle, Nats, OracleError, Promise, Selection};
use bound::{Account, Judge};
use field::Field;

/// Examples that the sequential rules ask every arm about before any is preferred.
pub(super) const MIN_EXAMPLES: NonZeroUsize = const { NonZeroUsize::new(10).expect("not zero") };

/// Examples that a race asks every arm about: after fewer, Student's distribution is trusted too early on real text
/// (`docs/experiments.md`, selectors).
const RACE_MIN_EXAMPLES: NonZeroUsize = const { NonZeroUsize::new(20).expect("not zero") };

/// Further examples at a time in the sequential rules.
pub(super) const BATCH: NonZeroUsize = const { NonZeroUsize::new(5).expect("not zero") };

/// All arms still in are asked about the next batch of examples, and an arm drops out when its paired difference to the
/// leader is surely positive.
///
/// A tie is not raced to the end: an arm may also drop out when it is surely not better than the leader by more than
/// `slack = epsilon + tolerance spread`, where the spread is the estimated mean of the worst arm minus that of the best.
/// Such a concession is made once on the way to the winner and not added up: an arm that others conceded to drops out
/// only when it is surely worse.
///
/// It ends with one arm left. When the examples run out, what is left is compared exactly.
///
/// # Promise
/// That of its [`Bound`], within the slack of the last look; `Approximate` at best where `tolerance` is above 0, for the
/// spread is an estimate.
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
    /// Nor is one that is closer than this share of the spread of all arms.
    pub tolerance: Fraction,
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
            tolerance: Fraction::of(0.0),
            min_examples: RACE_MIN_EXAMPLES,
            batch: BATCH,
            growth: Fraction::of(0.0),
        }
    }
}

impl Selector for Race {
    fn select(&self, oracle: &mut dyn LossOracle, seed: u64) -> Result<Selection, OracleError> {
        let mut sample = PairedSample::new(oracle, seed)?;
        let mut course = Course::start(*self, sample.arms());
        course.run(&mut sample, 1)?;
        Ok(sample.finish(course.leader(), course.promise()))
    }
}

/// A race under way.
pub(super) struct Course {
    rule: Race,
    judge: Judge,
    account: Account,
    field: Field,
    /// Added to each arm's mean, in nats a token.
    handicaps: Vec<f64>,
    slack: f64,
    looks: usize,
    examples: usize,
}

impl Course {
    /// All arms are in, and nothing is asked yet.
    pub(super) fn start(rule: Race, arms: usize) -> Self {
        Self {
            rule,
            judge: Judge::new(rule.bound, rule.delta.get()),
            account: Account::new(rule.delta.get()),
            field: Field::new(arms),
            handicaps: vec![0.0; arms],
            slack: rule.epsilon.get(),
            looks: 0,
            examples: 0,
        }
    }

    /// Goes on until at most `count` arms are left; when everything is seen, these are the lowest means.
    pub(super) fn run(&mut self, sample: &mut PairedSample, count: usize) -> Result<(), OracleError> {
        while self.field.arms.len() > count && self.examples < sample.population() {
            self.examples = self.next_look().min(sample.population());
            sample.ask_each(&self.field.arms, self.examples)?;
            self.judge.look(sample);
            self.looks += 1;
            if self.examples == sample.population() {
                self.field.keep_lowest(&self.standings(sample), count);
            } else {
                self.drop_behind(sample);
            }
        }
        Ok(())
    }

    /// The arms still in.
    pub(super) fn arms(&self) -> &[usize] {
        &self.field.arms
    }

    /// The arm that is ahead; the winner once it is alone.
    pub(super) fn leader(&self) -> usize {
        self.field.leader
    }

    /// What holds for the winner.
    pub(super) fn promise(&self) -> Promise {
        self.judge.promise(self.slack, self.rule.tolerance.get() > 0.0)
    }

    /// From now on the arms still in are compared by their means plus these, one an arm; then somebody else may lead.
    /// Before the first look nothing speaks against any arm.
    pub(super) fn handicap(&mut self, handicaps: Vec<f64>, sample: &PairedSample) {
        self.handicaps = handicaps;
        if self.looks > 0 {
            self.drop_behind(sample);
        }
    }

    fn drop_behind(&mut self, sample: &PairedSample) {
        let (low, high) = extremes(&sample.standings());
        self.slack = self.rule.epsilon.get() + self.rule.tolerance.get() * (high - low);
        let risk = |rival: usize, leader: usize, slack: f64| {
            self.judge.risk(sample, rival, leader, slack + self.handicaps[rival] - self.handicaps[leader])
        };
        let share = self.judge.share(sample.arms(), self.looks);
        self.field.drop_behind(&self.standings(sample), self.slack, risk, |risk, rivals| {
            match self.rule.bound {
                Bound::PairedT => self.account.accepts(risk, rivals),
                Bound::BernsteinSerfling { .. } | Bound::Betting { .. } => risk <= share,
            }
        });
    }

    fn standings(&self, sample: &PairedSample) -> Vec<f64> {
        sample.standings().iter().zip(&self.handicaps).map(|(mean, more)| mean + more).collect()
    }

    fn next_look(&self) -> usize {
        if self.examples == 0 {
            return self.rule.min_examples.get();
        }
        let growth = (self.rule.growth.get() * self.examples as f64).floor() as usize;
        self.examples + growth.max(self.rule.batch.get())
    }
}
