use sapo_prompts::Instruction;
use serde::{Deserialize, Serialize};

use super::moments::{Over, variance};
use crate::{Cost, Direction, Measurement, Probe, ProbeAbout, ProbeContext, ProbeError};

/// The variance of the predictive entropy. Lower is better.
///
/// The paper does not say over what its variance goes: as for the variance of the loss, by default over the examples' mean
/// entropies, divided by their number.
///
/// # Formula
/// Var_e(H_e), H_e = mean over the target positions of example e of −Σ_v p(v) log p(v)
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
pub struct EntropyVariance {
    /// What the variance goes over.
    pub over: Over,
}

const ABOUT: ProbeAbout = ProbeAbout {
    name: "entropy-variance",
    summary: "variance of the predictive entropy over examples (or target tokens)",
    formula: "mean of (entropy of an example - mean of these)^2",
    units: "nats²/token²",
    cost: Cost::Forward,
    better: Direction::Lower,
    source: "Shi et al. 2026 (arXiv 2606.01967), finding 3",
};

impl Probe for EntropyVariance {
    fn about(&self) -> &'static ProbeAbout {
        &ABOUT
    }

    fn measure(
        &self,
        context: &mut ProbeContext<'_>,
        wording: &Instruction,
    ) -> Result<Measurement, ProbeError> {
        let (stats, tokens) = context.token_stats(wording)?;
        let entropies = self.over.values(&stats, |stats| &stats.entropy);
        Measurement::new(context.task_name(), variance(&entropies), tokens)
    }
}
