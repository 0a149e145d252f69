use sapo_prompts::Instruction;

use super::moments::mean;
use crate::{Cost, Direction, Measurement, Probe, ProbeAbout, ProbeContext, ProbeError};

/// The pre-update loss: mean over the target tokens of all examples of minus the log-probability. Lower is better.
///
/// # Formula
/// Σ_e Σ_k −log p(y_k | P, x, y_<k) / Σ_e |y|
///
/// # Units
/// nats per target token
///
/// # Cost
/// One pass forward over the examples, what they share once.
///
/// # Source
/// Shi et al. 2026 (arXiv 2606.01967), finding 3, and section 3.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loss;

const ABOUT: ProbeAbout = ProbeAbout {
    name: "pre-update-loss",
    summary: "loss of the target tokens before any update",
    formula: "sum of -log p over target tokens / target tokens",
    units: "nats/token",
    cost: Cost::Forward,
    better: Direction::Lower,
    source: "Shi et al. 2026 (arXiv 2606.01967), finding 3",
};

impl Probe for Loss {
    fn about(&self) -> &'static ProbeAbout {
        &ABOUT
    }

    fn measure(
        &self,
        context: &mut ProbeContext<'_>,
        wording: &Instruction,
    ) -> Result<Measurement, ProbeError> {
        let (stats, tokens) = context.token_stats(wording)?;
        let nll: Vec<f64> = stats.iter().flat_map(|stats| stats.nll.iter().copied()).collect();
        Measurement::new(context.task_name(), mean(&nll), tokens)
    }
}
