use sapo_prompts::Instruction;

use super::moments::mean;
use crate::{Cost, Direction, Measurement, Probe, ProbeAbout, ProbeContext, ProbeError};

/// The predictive entropy: how undecided the model is where it should say the target. Lower is better.
///
/// # Formula
/// mean over all target positions of −Σ_v p(v) log p(v), v over the whole vocabulary, under the true earlier tokens
///
/// # Units
/// nats per target token
///
/// # Cost
/// One pass forward over the examples, what they share once.
///
/// # Source
/// Shi et al. 2026 (arXiv 2606.01967), finding 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entropy;

const ABOUT: ProbeAbout = ProbeAbout {
    name: "entropy",
    summary: "predictive entropy at the target positions",
    formula: "mean over target positions of -sum_v p(v) log p(v)",
    units: "nats/token",
    cost: Cost::Forward,
    better: Direction::Lower,
    source: "Shi et al. 2026 (arXiv 2606.01967), finding 3",
};

impl Probe for Entropy {
    fn about(&self) -> &'static ProbeAbout {
        &ABOUT
    }

    fn measure(
        &self,
        context: &mut ProbeContext<'_>,
        wording: &Instruction,
    ) -> Result<Measurement, ProbeError> {
        let (stats, tokens) = context.token_stats(wording)?;
        let entropy: Vec<f64> = stats.iter().flat_map(|stats| stats.entropy.iter().copied()).collect();
        Measurement::new(context.task_name(), mean(&entropy), tokens)
    }
}
