use serde::{Deserialize, Serialize};

use crate::paired::{PairedSample, RatioSample};
use crate::{Nats, Promise};

/// When a paired difference is surely positive.
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
    /// `Approximate`: with probability 1 - delta no arm is better than the winner by more than epsilon, in the eyes of an
    /// observer who held all differences equally likely beforehand and takes means for normal. It is not a frequency that
    /// holds for every problem: looking again and again, and tails that the first examples do not show, cost some.
    PairedT,
    /// By the empirical Bernstein-Serfling inequality for sampling without replacement.
    ///
    /// Of n out of N values within a range R, with standard deviation s about their mean m, the population's mean is above
    /// `m - s sqrt(2 rho L / n) - (7/3 + 3/sqrt(2)) R L / n` with probability `1 - 5 exp(-L)`, where
    /// `rho = 1 - (n - 1)/N` up to `n = N/2` and `(1 - n/N)(1 + 1/n)` beyond. It is applied to
    /// `z = nll_a - nll_leader + epsilon t` of an example with t target tokens, whose mean has the sign in question: no
    /// ratio is estimated. Delta is shared by all K (K - 1) ordered pairs of arms, and by the looks in proportion to
    /// 1 / (j (j + 1)).
    ///
    /// # Promise
    /// `AtLeast`, where `range` is given and was not seen to be exceeded, and no example's target is longer than the
    /// longest seen: with probability 1 - delta no arm is better than the winner by more than epsilon, whatever the
    /// losses. Losses have no bound of themselves: without `range`, the widest difference of any two arms on any example
    /// seen stands for it, and the promise is `Approximate`, for one unseen example that is wilder than all seen ones
    /// can break it.
    ///
    /// # Source
    /// Bardenet and Maillard 2015, Concentration inequalities for sampling without replacement, Theorem 4.3.
    BernsteinSerfling {
        /// Nats by which the losses of two arms, summed over the target of one example, may differ at most.
        #[serde(default)]
        range: Option<Nats>,
    },
}

/// Keeps account of delta during one race.
pub(super) struct Judge {
    bound: Bound,
    delta: f64,
    arms: usize,
    looks: usize,
    /// Chances taken so far.
    taken: f64,
    /// The widest difference of two arms on one example seen.
    widest: f64,
    longest_target: f64,
}

impl Judge {
    pub(super) fn new(bound: Bound, delta: f64, arms: usize) -> Self {
        Self { bound, delta, arms, looks: 0, taken: 0.0, widest: 0.0, longest_target: 0.0 }
    }

    /// New examples were seen.
    pub(super) fn look(&mut self, sample: &PairedSample) {
        self.looks += 1;
        if matches!(self.bound, Bound::BernsteinSerfling { .. }) {
            (self.widest, self.longest_target) = sample.extremes();
        }
    }

    /// A bound on the probability that an arm with this difference to the leader is better than it by more than `slack`.
    pub(super) fn risk(&self, difference: &RatioSample, slack: f64) -> f64 {
        match self.bound {
            Bound::PairedT => difference.risk_below(slack),
            Bound::BernsteinSerfling { range } => {
                let range = range.map_or(self.widest, |range| range.get().max(self.widest));
                bernstein_serfling_risk(difference, slack, 2.0 * range + slack * self.longest_target)
            }
        }
    }

    /// Whether this risk may be taken while so many rivals are undecided; if so, it is taken.
    pub(super) fn accepts(&mut self, risk: f64, rivals: usize) -> bool {
        let allowed = match self.bound {
            Bound::PairedT => (self.delta - self.taken).max(0.0) / rivals as f64,
            Bound::BernsteinSerfling { .. } => {
                let pairs = (self.arms * (self.arms - 1)) as f64;
                self.delta / pairs / (self.looks * (self.looks + 1)) as f64
            }
        };
        let accepted = risk <= allowed;
        if accepted {
            self.taken += risk;
        }
        accepted
    }

    pub(super) fn promise(&self, within: f64) -> Promise {
        let confidence = 1.0 - self.delta;
        match self.bound {
            Bound::BernsteinSerfling { range: Some(range) } if self.widest <= range.get() => {
                Promise::AtLeast { confidence, within }
            }
            _ => Promise::Approximate { confidence, within },
        }
    }
}

/// The smallest probability at which the inequality lets the population's mean of z reach 0.
fn bernstein_serfling_risk(difference: &RatioSample, slack: f64, range: f64) -> f64 {
    let mean = difference.residual_mean(-slack);
    if difference.whole() {
        return f64::from(mean < 0.0);
    }
    if mean <= 0.0 || range == 0.0 {
        return 1.0;
    }
    let (n, population) = (difference.seen as f64, difference.population as f64);
    let rho = if 2 * difference.seen <= difference.population {
        1.0 - (n - 1.0) / population
    } else {
        (1.0 - n / population) * (1.0 + 1.0 / n)
    };
    // mean = a x + b x^2 with x = sqrt(L)
    let a = (2.0 * rho * difference.residual_variance(-slack) / n).sqrt();
    let b = (7.0 / 3.0 + 3.0 / std::f64::consts::SQRT_2) * range / n;
    let x = 2.0 * mean / (a + (a * a + 4.0 * b * mean).sqrt());
    (5.0 * (-x * x).exp()).min(1.0)
}
