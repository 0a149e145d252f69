use sapo_prompts::Instruction;
use serde::{Deserialize, Serialize};

use super::moments::{Over, variance};
use crate::{Cost, Direction, Measurement, Probe, ProbeAbout, ProbeContext, ProbeError};

/// The variance of the loss: how unevenly a wording serves the examples. Lower is better.
///
/// The paper does not say over what its variance goes. By default it goes over the examples' mean losses, divided by their
/// number as `numpy.var` does; for a fixed number of examples the divisor changes no ranking.
///
/// # Formula
/// Var_e(L_e), L_e = Σ_k −log p(y_k | P, x, y_<k) / |y|
///
/// # Units
/// nats² per token²
///
/// # Cost
/// One pass forward over the examples, what they share once.
///
/// # Source
/// Shi et al. 2026 (arXiv 2606.01967), finding 3.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LossVariance {
    /// What the variance goes over.
    pub over: Over,
}

const ABOUT: ProbeAbout = ProbeAbout {
    name: "loss-variance",
    summary: "variance of the loss over examples (or target tokens)",
    formula: "mean of (loss of an example - mean of these)^2",
    units: "nats²/token²",
    cost: Cost::Forward,
    better: Direction::Lower,
    source: "Shi et al. 2026 (arXiv 2606.01967), finding 3",
};

impl Probe for LossVariance {
    fn about(&self) -> &'static ProbeAbout {
        &ABOUT
    }

    fn measure(
        &self,
        context: &mut ProbeContext<'_>,
        wording: &Instruction,
    ) -> Result<Measurement, ProbeError> {
        let (stats, tokens) = context.token_stats(wording)?;
        let losses = self.over.values(&stats, |stats| &stats.nll);
        Measurement::new(context.task_name(), variance(&losses), tokens)
    }
}
