use sapo_metrics::Metric;
use sapo_prompts::Instruction;
use serde::{Deserialize, Serialize};

use super::answers::{MAX_NEW_TOKENS, mean_score};
use crate::{Cost, Direction, Measurement, Probe, ProbeAbout, ProbeContext, ProbeError};

/// Share of the examples whose greedy answer is one of the targets. Higher is better.
///
/// # Formula
/// mean over examples of `sapo_metrics::Metric::ExactMatch`
///
/// # Units
/// 0 to 100
///
/// # Cost
/// Prompts forward, and a step for every generated token.
///
/// # Source
/// Shi et al. 2026 (arXiv 2606.01967), finding 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExactMatch {
    /// Longest answer, in tokens; a longer one is cut.
    pub max_new_tokens: usize,
}

impl Default for ExactMatch {
    /// The paper's longest answer.
    fn default() -> Self {
        Self { max_new_tokens: MAX_NEW_TOKENS }
    }
}

const ABOUT: ProbeAbout = ProbeAbout {
    name: "exact-match",
    summary: "greedy answers that are the target",
    formula: "mean over examples of the score of the greedy answer",
    units: "0-100",
    cost: Cost::Generation,
    better: Direction::Higher,
    source: "Shi et al. 2026 (arXiv 2606.01967), finding 3",
};

impl Probe for ExactMatch {
    fn about(&self) -> &'static ProbeAbout {
        &ABOUT
    }

    fn measure(
        &self,
        context: &mut ProbeContext<'_>,
        wording: &Instruction,
    ) -> Result<Measurement, ProbeError> {
        mean_score(Metric::ExactMatch, self.max_new_tokens, context, wording)
    }
}
