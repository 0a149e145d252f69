use sapo_prompts::Instruction;

use super::moments::mean;
use crate::{Cost, Direction, Measurement, Probe, ProbeAbout, ProbeContext, ProbeError};

/// The log-probability of a whole target. Higher is better.
///
/// Targets have the same tokens under every wording, so this ranks wordings exactly as the token-mean pre-update loss
/// does: it is minus that loss times the mean length of a target. (Only where a token reaches over the end of the prompt
/// can a target's tokens differ.)
///
/// # Formula
/// mean over examples of Σ_k log p(y_k | P, x, y_<k)
///
/// # Units
/// nats per example
///
/// # Cost
/// One pass forward over the examples, what they share once.
///
/// # Source
/// Shi et al. 2026 (arXiv 2606.01967), finding 3 ("sum of log-probabilities").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogProbability;

const ABOUT: ProbeAbout = ProbeAbout {
    name: "log-probability",
    summary: "sum of the target tokens' log-probabilities",
    formula: "mean over examples of the sum of log p",
    units: "nats/example",
    cost: Cost::Forward,
    better: Direction::Higher,
    source: "Shi et al. 2026 (arXiv 2606.01967), finding 3",
};

impl Probe for LogProbability {
    fn about(&self) -> &'static ProbeAbout {
        &ABOUT
    }

    fn measure(
        &self,
        context: &mut ProbeContext<'_>,
        wording: &Instruction,
    ) -> Result<Measurement, ProbeError> {
        let (stats, tokens) = context.token_stats(wording)?;
        let sums: Vec<f64> = stats.iter().map(|stats| -stats.nll.iter().sum::<f64>()).collect();
        Measurement::new(context.task_name(), mean(&sums), tokens)
    }
}
