//! What the model can do now: greedy evaluation of a task, which fills a cell of the transfer matrix R.

use sapo_metrics::{exact_match, rouge_l_best};
use sapo_model::{Decoding, LanguageModel, ModelError};
use sapo_tasks::{Example, Instruction, Task, layout};
use serde::{Deserialize, Serialize};

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
    /// Mean ROUGE-L F-measure, 0 to 100, against the best reference of each example.
    pub rouge_l: f64,
    /// Share of exact matches, 0 to 100.
    pub exact_match: f64,
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
    /// An example without an accepted answer has no score.
    #[error("evaluating task {task:?}: an example has no accepted answer")]
    NoReference {
        /// Name of the task.
        task: String,
    },
}

/// Evaluates `model` on `examples` of `task` under one instruction: greedy generation, ROUGE-L and exact match.
///
/// # Errors
/// Names the task and what failed; a task without examples is refused, because its score would be missing.
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
    let failed = |source| BenchError::Model { task: task.name.clone(), source };
    let prompts = examples
        .iter()
        .map(|example| model.codec().encode_prompt(&layout::prompt(task, instruction, &example.input)))
        .collect::<Result<Vec<_>, _>>()
        .map_err(failed)?;
    let answers = model
        .generate(&prompts, Decoding::Greedy, config.max_new_tokens, config.token_budget, |_| {})
        .map_err(failed)?;
    let forward_tokens =
        prompts.iter().map(Vec::len).sum::<usize>() + answers.iter().map(|a| a.tokens).sum::<usize>();
    let predictions: Vec<String> = answers.into_iter().map(|answer| answer.text).collect();
    let score = |prediction: &String, example: &Example| -> Option<(f64, f64)> {
        let exact = example.targets.iter().map(|target| exact_match(prediction, target)).fold(0.0, f64::max);
        Some((rouge_l_best(prediction, &example.targets)?, exact))
    };
    let scores = predictions.iter().zip(examples).map(|(prediction, example)| score(prediction, example));
    let scores: Vec<(f64, f64)> =
        scores.collect::<Option<_>>().ok_or_else(|| BenchError::NoReference { task: task.name.clone() })?;
    let count = scores.len() as f64;
    Ok(Evaluation {
        rouge_l: scores.iter().map(|(rouge_l, _)| rouge_l).sum::<f64>() / count,
        exact_match: scores.iter().map(|(_, exact)| exact).sum::<f64>() / count,
        forward_tokens: forward_tokens as u64,
        predictions,
    })
}
