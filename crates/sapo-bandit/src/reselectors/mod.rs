//! Rules that choose again inside a task, while training moves the model; one file a rule, one line in
//! [`ReselectorConfig`].
//!
//! Training goes in stretches. Before each: [`Reselector::wanted`] names the arms to probe, all on the same fresh
//! examples; [`Reselector::learn`] takes their losses; [`Reselector::choose`] names the arm of the stretch.
//! [`ProbeBudget`] keeps the probes within a share of the training tokens.

mod discounted_thompson;
mod exp3_s;
mod mixture;
mod sliding_window_ucb;
mod standing;

pub use discounted_thompson::DiscountedThompson;
pub use exp3_s::Exp3S;
pub use mixture::Mixture;
pub use sliding_window_ucb::SlidingWindowUcb;

use serde::{Deserialize, Serialize};

use crate::Fraction;

/// A rule in the course of one task.
pub trait Reselector {
    /// The arms to probe now, at most `affordable`. One loss compares with nothing: they are two or more, or none.
    fn wanted(&mut self, affordable: usize) -> Vec<usize>;

    /// Mean losses of the probed arms, in nats a token, all on the same examples.
    fn learn(&mut self, losses: &[(usize, f64)]);

    /// The arm that the next stretch trains with.
    fn choose(&mut self) -> usize;
}

/// A rule for re-selection by its name, with its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ReselectorConfig {
    /// Random draws from what is known, old knowledge fading, decide who is probed; the lowest mean trains.
    DiscountedThompson(DiscountedThompson),
    /// The most optimistic of the last probes decide who is probed; the lowest mean trains.
    SlidingWindowUcb(SlidingWindowUcb),
    /// Weights that never forget an arm for good, made for losses that an adversary could have chosen.
    Exp3S(Exp3S),
    /// Every stretch draws its arm, in proportion to the softmax of minus its loss.
    Mixture(Mixture),
}

impl ReselectorConfig {
    /// The rule at the start of a task, with arm `first` training.
    pub fn start(self, arms: usize, first: usize, seed: u64) -> Box<dyn Reselector> {
        match self {
            Self::DiscountedThompson(rule) => Box::new(rule.start(arms, first, seed)),
            Self::SlidingWindowUcb(rule) => Box::new(rule.start(arms, first)),
            Self::Exp3S(rule) => Box::new(rule.start(arms, first, seed)),
            Self::Mixture(rule) => Box::new(rule.start(arms, first, seed)),
        }
    }
}

/// Keeps the tokens of probes within a share of those of training.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ProbeBudget {
    share: Fraction,
    trained: u64,
    probed: u64,
}

impl ProbeBudget {
    /// The share that probes may take where nothing else is said.
    pub const SHARE: Fraction = Fraction::of(0.02);

    /// Nothing is spent, and nothing earned: training comes first.
    pub fn new(share: Fraction) -> Self {
        Self { share, trained: 0, probed: 0 }
    }

    /// Tokens went through training: forward, whether or not backward too.
    pub fn train(&mut self, tokens: u64) {
        self.trained += tokens;
    }

    /// Tokens went through a probe.
    pub fn probe(&mut self, tokens: u64) {
        self.probed += tokens;
    }

    /// How many arms can be probed now, at so many tokens each.
    pub fn affordable(&self, tokens_an_arm: u64) -> usize {
        let earned = (self.share.get() * self.trained as f64) as u64;
        (earned.saturating_sub(self.probed) / tokens_an_arm.max(1)) as usize
    }
}

#[cfg(test)]
mod tests;
