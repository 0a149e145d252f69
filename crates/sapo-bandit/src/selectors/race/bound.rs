use serde::{Deserialize, Serialize};

use super::{bernstein_serfling, betting};
use crate::paired::PairedSample;
use crate::{Nats, Promise};

/// When a paired difference is surely positive.
///
/// # The range of a loss
///
/// The two bounds that hold for any number of examples need to know how far apart the losses of two arms can be on one
/// example, and losses have no bound of themselves. With `range`, in nats summed over the target of an example, they
/// promise `AtLeast`, as long as no example seen exceeds it: with probability 1 - delta no arm is better than the
/// winner by more than epsilon, whatever the losses. (With epsilon above 0, `bernstein-serfling` also takes no target
/// for longer than the longest one seen.) Without `range`, the widest difference of any two arms on any example seen
/// stands for it, and they promise `Approximate`: one unseen example that is wilder than all seen ones can break it.
///
/// Delta is shared equally by all tests: of two arms at most one can be dropped for the other wrongly, in two ways
/// (although better; although better by more than epsilon), which makes K (K - 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Bound {
    /// By Student's distribution of the mean difference, with the correction for a finite population.
    ///
    /// The chance that a rival is better than the leader is the tail of that distribution. All chances taken, from the
    /// first look to the last, sum up to at most delta; what is left of delta is shared equally by the rivals still in,
    /// so that hopeless arms, which take next to nothing, leave it to the close contenders.
    ///
    /// # Promise
    /// `Approximate`: with probability 1 - delta no arm is better than the winner by more than epsilon, in the eyes of
    /// an observer who held all differences equally likely beforehand and takes means for normal. It is not a frequency
    /// that holds for every problem: looking again and again, and tails that the first examples do not show, cost some.
    PairedT,
    /// By the empirical Bernstein-Serfling inequality for sampling without replacement (Bardenet and Maillard 2015), on
    /// `z = nll_a - nll_leader + epsilon t` of an example with t target tokens, whose mean has the sign in question: no
    /// ratio is estimated. Look j has a share of delta in proportion to 1 / (j (j + 1)).
    ///
    /// Its term in range / n is so large that with a few hundred examples next to nothing drops out before the end.
    BernsteinSerfling {
        /// Nats by which the losses of two arms, summed over the target of one example, may differ at most.
        #[serde(default)]
        range: Option<Nats>,
    },
    /// By betting on the same z without replacement (Waudby-Smith and Ramdas 2024): the same promise as
    /// `bernstein-serfling`, sharper, and holding at all looks at once.
    Betting {
        /// Nats by which the losses of two arms, summed over the target of one example, may differ at most.
        #[serde(default)]
        range: Option<Nats>,
    },
}

impl Bound {
    fn range(self) -> Option<Nats> {
        match self {
            Self::PairedT => None,
            Self::BernsteinSerfling { range } | Self::Betting { range } => range,
        }
    }
}

/// The chances taken so far in a race by Student's distribution.
pub(super) struct Account {
    left: f64,
}

impl Account {
    /// Nothing is taken yet.
    pub(super) fn new(delta: f64) -> Self {
        Self { left: delta }
    }

    /// Whether this chance may be taken while so many rivals are undecided; if so, it is taken.
    pub(super) fn accepts(&mut self, risk: f64, rivals: usize) -> bool {
        let accepted = risk <= self.left / rivals as f64;
        if accepted {
            self.left = (self.left - risk).max(0.0);
        }
        accepted
    }
}

/// Measures risks by a bound.
pub(super) struct Judge {
    bound: Bound,
    delta: f64,
    /// The widest difference of two arms on one example seen.
    widest: f64,
    longest_target: f64,
}

impl Judge {
    pub(super) fn new(bound: Bound, delta: f64) -> Self {
        Self { bound, delta, widest: 0.0, longest_target: 0.0 }
    }

    /// New examples were seen.
    pub(super) fn look(&mut self, sample: &PairedSample) {
        if self.bound != Bound::PairedT {
            (self.widest, self.longest_target) = sample.extremes();
        }
    }

    /// A bound on the probability that the rival is better than the leader by more than `slack`.
    pub(super) fn risk(&self, sample: &PairedSample, rival: usize, leader: usize, slack: f64) -> f64 {
        let difference = sample.difference(rival, leader);
        let range = self.bound.range().map_or(self.widest, |range| range.get().max(self.widest));
        match self.bound {
            Bound::PairedT => difference.risk_below(slack),
            Bound::BernsteinSerfling { .. } => {
                bernstein_serfling::risk(&difference, slack, 2.0 * range + slack.abs() * self.longest_target)
            }
            Bound::Betting { .. } if difference.whole() => f64::from(difference.ratio() < -slack),
            Bound::Betting { .. } => {
                let z = sample.pairs(rival, leader).map(|(y, t)| y + slack * t);
                betting::risk(z, sample.population(), range + (-slack).max(0.0) * self.longest_target)
            }
        }
    }

    /// The largest risk that one test may take at this look, the first being 1, for the bounds that share delta
    /// equally.
    pub(super) fn share(&self, arms: usize, look: usize) -> f64 {
        let tests = (arms * (arms - 1)) as f64;
        match self.bound {
            Bound::BernsteinSerfling { .. } => self.delta / tests / (look * (look + 1)) as f64,
            Bound::PairedT | Bound::Betting { .. } => self.delta / tests,
        }
    }

    /// What holds for a winner within so many nats a token, which may be an estimate.
    pub(super) fn promise(&self, within: f64, estimated: bool) -> Promise {
        let confidence = 1.0 - self.delta;
        match self.bound.range() {
            Some(range) if self.widest <= range.get() && !estimated => {
                Promise::AtLeast { confidence, within }
            }
            _ => Promise::Approximate { confidence, within },
        }
    }
}
