use std::collections::VecDeque;
use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use super::Reselector;
use super::standing::Standing;
use crate::Nats;

/// The present arm is probed beside the rivals of the lowest optimistic estimates over the last probes; the lowest mean
/// trains.
///
/// The optimistic estimate of an arm is its mean over the last `window` probes minus `sqrt(2 ln(min(t, window)))`
/// standard errors; the source has a bound on the losses in place of their standard deviation.
///
/// # Source
/// Garivier and Moulines 2011, On Upper-Confidence Bound Policies for Switching Bandit Problems, section 2.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SlidingWindowUcb {
    /// Probes that count.
    pub window: NonZeroUsize,
    /// Nats a token that another arm must be ahead by.
    pub switching_cost: Nats,
}

impl Default for SlidingWindowUcb {
    fn default() -> Self {
        let window = const { NonZeroUsize::new(8).expect("not zero") };
        Self { window, switching_cost: Nats::of(0.01) }
    }
}

impl SlidingWindowUcb {
    pub(super) fn start(self, arms: usize, first: usize) -> impl Reselector + use<> {
        Course { rule: self, arms, last: VecDeque::new(), present: first }
    }
}

struct Course {
    rule: SlidingWindowUcb,
    arms: usize,
    last: VecDeque<Vec<(usize, f64)>>,
    present: usize,
}

impl Course {
    fn standing(&self) -> Standing {
        let mut standing = Standing::new(self.arms, 1.0);
        self.last.iter().for_each(|losses| standing.learn(losses));
        standing
    }
}

impl Reselector for Course {
    fn wanted(&mut self, affordable: usize) -> Vec<usize> {
        let standing = self.standing();
        let reach = (2.0 * (self.last.len().max(1) as f64).ln()).sqrt();
        standing.contenders(self.present, affordable, |arm| {
            let error = standing.error(arm);
            if error.is_finite() { standing.mean(arm) - reach * error } else { f64::NEG_INFINITY }
        })
    }

    fn learn(&mut self, losses: &[(usize, f64)]) {
        if losses.is_empty() {
            return;
        }
        self.last.push_back(losses.to_vec());
        while self.last.len() > self.rule.window.get() {
            self.last.pop_front();
        }
    }

    fn choose(&mut self) -> usize {
        self.present = self.standing().best(self.present, self.rule.switching_cost.get());
        self.present
    }
}
