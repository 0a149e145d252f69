use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::Reselector;
use super::standing::Standing;
use crate::{Fraction, Nats};

/// Every stretch draws its arm with probability in proportion to `exp(-mean loss / temperature)`; the arms that are
/// known the least are probed.
///
/// With a high temperature all wordings train alike; with temperature 0, or a low one, nearly always the best does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mixture {
    /// Nats a token that make an arm e times rarer.
    pub temperature: Nats,
    /// What a probe counts after the next one.
    pub keep: Fraction,
}

impl Default for Mixture {
    fn default() -> Self {
        Self { temperature: Nats::of(0.1), keep: Fraction::of(0.8) }
    }
}

impl Mixture {
    pub(super) fn start(self, arms: usize, first: usize, seed: u64) -> impl Reselector + use<> {
        let standing = Standing::new(arms, self.keep.get());
        Course {
            temperature: self.temperature.get(),
            standing,
            arms,
            present: first,
            rng: ChaCha8Rng::seed_from_u64(seed),
        }
    }
}

struct Course {
    temperature: f64,
    standing: Standing,
    arms: usize,
    present: usize,
    rng: ChaCha8Rng,
}

impl Reselector for Course {
    fn wanted(&mut self, affordable: usize) -> Vec<usize> {
        self.standing.contenders(self.present, affordable, |arm| -self.standing.error(arm))
    }

    fn learn(&mut self, losses: &[(usize, f64)]) {
        self.standing.learn(losses);
    }

    fn choose(&mut self) -> usize {
        let means: Vec<f64> = (0..self.arms).map(|arm| self.standing.mean(arm)).collect();
        let lowest = means.iter().copied().fold(f64::INFINITY, f64::min);
        let share =
            |mean: f64| if mean == lowest { 1.0 } else { (-(mean - lowest) / self.temperature).exp() };
        let shares: Vec<f64> = means.into_iter().map(share).collect();
        self.present = draw(&shares, &mut self.rng);
        self.present
    }
}

/// A place drawn in proportion to these shares.
pub(super) fn draw(shares: &[f64], rng: &mut ChaCha8Rng) -> usize {
    let mut left = rng.random::<f64>() * shares.iter().sum::<f64>();
    let found = shares.iter().position(|share| {
        left -= share;
        left < 0.0
    });
    found.unwrap_or(shares.len().saturating_sub(1))
}
