//! Scores of greedy answers.

use sapo_metrics::{Metric, Sample};
use sapo_prompts::Instruction;

use super::moments::mean;
use crate::{Measurement, ProbeContext, ProbeError};

/// The paper's longest answer, in tokens.
pub(super) const MAX_NEW_TOKENS: usize = 128;

/// The mean score of the greedy answers to the context's examples, 0 to 100.
pub(super) fn mean_score(
    metric: Metric,
    max_new_tokens: usize,
    context: &mut ProbeContext<'_>,
    wording: &Instruction,
) -> Result<Measurement, ProbeError> {
    let (answers, tokens) = context.answers(wording, max_new_tokens)?;
    let pairs = answers.iter().zip(context.examples());
    let samples: Vec<Sample<'_>> = pairs
        .map(|(prediction, example)| Sample { prediction, references: &example.targets, source: None })
        .collect();
    let scores = metric.score_all(&samples).map_err(|error| ProbeError::Undefined {
        task: context.task_name().to_string(),
        problem: error.to_string(),
    })?;
    Measurement::new(context.task_name(), mean(&scores), tokens)
}
