//! What the model can do now: greedy evaluation of a task, which fills a cell of the transfer matrix R.

mod scores;

use sapo_metrics::MetricError;
use sapo_model::{Decoding, Generation, LanguageModel, ModelError};
use sapo_tasks::{Example, Instruction, Task, layout};
use serde::{Deserialize, Serialize};

pub use scores::{Scores, metrics, native_metric, score, source};

/// How answers are generated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EvaluationConfig {
    /// Longest answer, in tokens (the paper: 128).
    pub max_new_tokens: usize,
    /// Padded prompt tokens in one batch.
    pub token_budget: usize,
}

impl Default for EvaluationConfig {
    /// Answers of at most 128 tokens, as in the paper.
    fn default() -> Self {
        Self { max_new_tokens: 128, token_budget: 8192 }
    }
}

/// Answers to the examples of a task, and their scores.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// Greedy answers, stripped, in the order of the examples.
    pub predictions: Vec<String>,
    /// By every metric of the task, in the order of [`metrics`].
    pub scores: Vec<Scores>,
    /// Tokens that went forward through the model, padding not counted.
    pub forward_tokens: u64,
}

/// Why a task could not be evaluated.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The model failed on one task.
    #[error("evaluating task {task:?}: {source}")]
    Model {
        /// Name of the task.
        task: String,
        /// The reason.
        source: ModelError,
    },
    /// A task without examples has no score.
    #[error("evaluating task {task:?}: it has no examples")]
    NoExamples {
        /// Name of the task.
        task: String,
    },
    /// An answer is missing, or there is one too many: from there on each would be held against another example.
    #[error("scoring task {task:?}: expected {expected} answers, one an example, got {got}")]
    Answers {
        /// Name of the task.
        task: String,
        /// Number of examples.
        expected: usize,
        /// Number of answers.
        got: usize,
    },
    /// The task's native metric is unknown, or an example has no accepted answer to compare with.
    #[error("scoring task {task:?}: {source}")]
    Metric {
        /// Name of the task.
        task: String,
        /// The reason.
        source: MetricError,
    },
}

/// Evaluates `model` on `examples` of `task` under one instruction: greedy generation, scored by the task's
/// [`metrics`].
///
/// # Errors
/// Names the task and what failed; a task without examples is refused, because its score would be missing. An unknown
/// metric is found before anything is generated.
pub fn evaluate(
    model: &LanguageModel,
    task: &Task,
    instruction: &Instruction,
    examples: &[Example],
    config: &EvaluationConfig,
) -> Result<Evaluation, BenchError> {
    if examples.is_empty() {
        return Err(BenchError::NoExamples { task: task.name.clone() });
    }
    metrics(task)?;
    let failed = |source| BenchError::Model { task: task.name.clone(), source };
    let prompts = examples
        .iter()
        .map(|example| model.codec().encode_prompt(&layout::prompt(task, instruction, &example.input)))
        .collect::<Result<Vec<_>, _>>()
        .map_err(failed)?;
    let answers = model
        .generate(&prompts, Decoding::Greedy, config.max_new_tokens, config.token_budget, |_| {})
        .map_err(failed)?;
    let forward_tokens = Generation::forward_tokens(&prompts, &answers);
    let predictions: Vec<String> = answers.into_iter().map(|answer| answer.text).collect();
    let scores = score(task, examples, &predictions)?;
    Ok(Evaluation { predictions, scores, forward_tokens: forward_tokens as u64 })
}
