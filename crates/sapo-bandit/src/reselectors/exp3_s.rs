use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::Reselector;
use super::mixture::draw;
use crate::{Fraction, Nats, draws};

/// Weights that fall with an arm's losses and never forget an arm for good decide who is probed and who trains.
///
/// An arm has the probability `p = (1 - explore) w / sum(w) + explore / K`. A probe asks the present arm and, each with
/// probability `q = min(1, m p)`, others, m being how many can be afforded beside it: one random number draws them all, so
/// that they are never more. The gain of such an arm, minus its loss relative to the present one in units of `scale`,
/// clipped to [-1, 1], counts 1/q. Then `w <- w exp(explore gain / (q K)) + e share sum(w) / K`. A stretch draws its arm by
/// p, but keeps the present one with probability `stay`: that is the price of switching, for means are not compared here.
///
/// # Source
/// Auer, Cesa-Bianchi, Freund, Schapire 2002, The Nonstochastic Multiarmed Bandit Problem, section 8 (Exp3.S).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Exp3S {
    /// Share of the choices that goes to all arms alike; also the rate of learning, as in the source.
    pub explore: Fraction,
    /// Share of all weights that is spread over all arms at each probe.
    pub share: Fraction,
    /// Nats a token by which losses may differ.
    pub scale: Nats,
    /// Probability of keeping the present arm without a draw.
    pub stay: Fraction,
}

impl Default for Exp3S {
    fn default() -> Self {
        Self {
            explore: Fraction::of(0.3),
            share: Fraction::of(0.002),
            scale: Nats::of(0.2),
            stay: Fraction::of(0.5),
        }
    }
}

impl Exp3S {
    pub(super) fn start(self, arms: usize, first: usize, seed: u64) -> impl Reselector + use<> {
        let rng = ChaCha8Rng::seed_from_u64(seed);
        Course { rule: self, weights: vec![1.0; arms], chances: vec![1.0; arms], present: first, rng }
    }
}

struct Course {
    rule: Exp3S,
    weights: Vec<f64>,
    /// With what chance each arm was to be probed last; losses that are known before the first probe were asked for.
    chances: Vec<f64>,
    present: usize,
    rng: ChaCha8Rng,
}

impl Course {
    fn probabilities(&self) -> Vec<f64> {
        let (explore, sum) = (self.rule.explore.get(), self.weights.iter().sum::<f64>());
        let arms = self.weights.len() as f64;
        self.weights.iter().map(|weight| (1.0 - explore) * weight / sum + explore / arms).collect()
    }
}

impl Reselector for Course {
    fn wanted(&mut self, affordable: usize) -> Vec<usize> {
        if affordable < 2 {
            return Vec::new();
        }
        let rivals = (affordable - 1) as f64;
        self.chances = self.probabilities().iter().map(|p| (rivals * p).min(1.0)).collect();
        let others: Vec<usize> = (0..self.weights.len()).filter(|&arm| arm != self.present).collect();
        let chances = others.iter().map(|&arm| self.chances[arm]);
        let drawn = draws::systematic(chances, &mut self.rng);
        let wanted: Vec<usize> =
            std::iter::once(self.present).chain(drawn.into_iter().map(|place| others[place])).collect();
        if wanted.len() < 2 { Vec::new() } else { wanted }
    }

    fn learn(&mut self, losses: &[(usize, f64)]) {
        let Some(&(_, reference)) = losses.iter().find(|&&(arm, _)| arm == self.present) else { return };
        let arms = self.weights.len() as f64;
        let (explore, sum) = (self.rule.explore.get(), self.weights.iter().sum::<f64>());
        for &(arm, loss) in losses.iter().filter(|&&(arm, _)| arm != self.present) {
            let gain = ((reference - loss) / self.rule.scale.get()).clamp(-1.0, 1.0);
            self.weights[arm] *= (explore * gain / (self.chances[arm] * arms)).exp();
        }
        for weight in &mut self.weights {
            *weight += std::f64::consts::E * self.rule.share.get() * sum / arms;
        }
        // Only proportions matter; without this they would overflow in the end.
        let sum = self.weights.iter().sum::<f64>();
        self.weights.iter_mut().for_each(|weight| *weight *= arms / sum);
    }

    fn choose(&mut self) -> usize {
        if !self.rng.random_bool(self.rule.stay.get()) {
            let probabilities = self.probabilities();
            self.present = draw(&probabilities, &mut self.rng);
        }
        self.present
    }
}
