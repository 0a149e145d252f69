use sapo_metrics::Metric;
use sapo_prompts::Instruction;
use serde::{Deserialize, Serialize};

use super::answers::{MAX_NEW_TOKENS, mean_score};
use crate::{Cost, Direction, Measurement, Probe, ProbeAbout, ProbeContext, ProbeError};

/// Mean ROUGE-L F-measure of the greedy answers, each against its best target. Higher is better.
///
/// # Formula
/// mean over examples of `sapo_metrics::Metric::RougeL`
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
pub struct RougeL {
    /// Longest answer, in tokens; a longer one is cut.
    pub max_new_tokens: usize,
}

impl Default for RougeL {
    /// The paper's longest answer.
    fn default() -> Self {
        Self { max_new_tokens: MAX_NEW_TOKENS }
    }
}

const ABOUT: ProbeAbout = ProbeAbout {
    name: "rouge-l",
    summary: "ROUGE-L of greedy answers",
    formula: "mean over examples of the score of the greedy answer",
    units: "0-100",
    cost: Cost::Generation,
    better: Direction::Higher,
    source: "Shi et al. 2026 (arXiv 2606.01967), finding 3",
};

impl Probe for RougeL {
    fn about(&self) -> &'static ProbeAbout {
        &ABOUT
    }

    fn measure(
        &self,
        context: &mut ProbeContext<'_>,
        wording: &Instruction,
    ) -> Result<Measurement, ProbeError> {
        mean_score(Metric::RougeL, self.max_new_tokens, context, wording)
    }
}
