use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::Reselector;
use super::standing::Standing;
use crate::{Fraction, Nats, draws};

/// The present arm is probed beside the rivals that look best in a random draw from what is known, old knowledge
/// fading; the lowest mean trains.
///
/// After a probe an older one counts `keep` times what it counted before; the draw of an arm is normal about its mean
/// with its standard error, of weight `sum(keep^age)`.
///
/// # Source
/// Raj and Kalyani 2017, Taming Non-stationary Bandits: A Bayesian Approach; Gaussian instead of Bernoulli.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DiscountedThompson {
    /// What a probe counts after the next one.
    pub keep: Fraction,
    /// Nats a token that another arm must be ahead by.
    pub switching_cost: Nats,
}

impl Default for DiscountedThompson {
    fn default() -> Self {
        Self { keep: Fraction::of(0.8), switching_cost: Nats::of(0.01) }
    }
}

impl DiscountedThompson {
    pub(super) fn start(self, arms: usize, first: usize, seed: u64) -> impl Reselector + use<> {
        let standing = Standing::new(arms, self.keep.get());
        Course { rule: self, standing, present: first, rng: ChaCha8Rng::seed_from_u64(seed) }
    }
}

struct Course {
    rule: DiscountedThompson,
    standing: Standing,
    present: usize,
    rng: ChaCha8Rng,
}

impl Reselector for Course {
    fn wanted(&mut self, affordable: usize) -> Vec<usize> {
        let (standing, rng) = (&self.standing, &mut self.rng);
        standing.contenders(self.present, affordable, |arm| {
            let error = standing.error(arm);
            let draw = draws::gaussian(rng);
            // Arms that were never probed come first, in random order.
            if error.is_finite() {
                standing.mean(arm) + error * draw
            } else {
                -f64::MAX / (2.0 + draw * draw)
            }
        })
    }

    fn learn(&mut self, losses: &[(usize, f64)]) {
        self.standing.learn(losses);
    }

    fn choose(&mut self) -> usize {
        self.present = self.standing.best(self.present, self.rule.switching_cost.get());
        self.present
    }
}
