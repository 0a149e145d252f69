use std::path::Path;

use sapo_model::{Encoded, Kind, LanguageModel, LoraConfig, Sequences};
use sapo_prompts::Instruction;
use sapo_tasks::subset;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::lesson::{attach_adapter, one_adapter, paper_lora};
use super::{Lesson, Method};
use crate::{LearnError, NoTerm, derive_seed};

/// InsCL: replay in which an earlier task has the more examples the less its instruction is like the present one, as such
/// tasks are forgotten the most. One LoRA throughout.
///
/// With t - 1 earlier tasks, `examples` times t - 1 rows are replayed in all. Task i gets the share W_i / sum of W, W_i the
/// Wasserstein distance between its instruction and the present one, at most as many rows as it has, drawn anew for every
/// task. Instructions are those that the tasks are prompted with.
///
/// # Source
/// Wang et al. 2024 (arXiv 2403.11435), its dynamic replay; OPPO-Mente-Lab/InsCL, `replay/InsCL_sampling.py`,
/// whose rounding of shares is kept. Differences:
///
/// - There a task has many instructions; here one, and between two single points the Wasserstein distance is the cost
///   itself: 1 - cosine.
/// - There a sentence encoder embeds instructions; here the model itself, before the task: the mean of its final hidden
///   states over the instruction's tokens.
/// - There InsInfo, from tags that GPT-4 gives, says which instructions of a task have the more of its rows; with one
///   instruction there is nothing to divide, and rows are drawn uniformly. No tags are made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InsCl {
    /// Rows replayed for each earlier task, on average.
    pub examples: usize,
    /// The adapter.
    pub lora: LoraConfig,
}

impl Default for InsCl {
    fn default() -> Self {
        Self { examples: 200, lora: paper_lora(8) }
    }
}

impl Method for InsCl {
    fn learn(&self, model: &mut LanguageModel, mut lesson: Lesson<'_>) -> Result<(), LearnError> {
        let earlier = lesson.earlier();
        let present = embed(model, lesson.task().wording)?;
        let distances = earlier
            .iter()
            .map(|task| Ok(1.0 - cosine(&present, &embed(model, task.wording)?)))
            .collect::<Result<Vec<f64>, LearnError>>()?;
        let counts = replay_counts(self.examples * earlier.len(), &distances);
        let mut replayed: Vec<Encoded> = Vec::new();
        for (position, (task, count)) in earlier.iter().zip(counts).enumerate() {
            let seed = derive_seed(lesson.seed, "replayed rows", position + 1);
            replayed.extend(task.encode(model, subset(task.task.train.len(), count, seed))?);
        }
        let parameters = one_adapter(model, &self.lora, lesson.seed)?;
        lesson.fit(model, parameters, &replayed, &mut NoTerm)?;
        lesson.keep(model, &model.attached_lora(&self.lora))
    }

    fn recall(&self, model: &mut LanguageModel, artifacts: &Path, steps: usize) -> Result<(), LearnError> {
        attach_adapter(model, artifacts, steps)
    }
}

/// `total` rows in proportion to distances, rounded down; what is left goes one by one to the largest shares. Equal shares
/// where all distances are 0.
pub fn replay_counts(total: usize, distances: &[f64]) -> Vec<usize> {
    let sum: f64 = distances.iter().map(|distance| distance.max(0.0)).sum();
    let share = |distance: &f64| {
        if sum > 0.0 { distance.max(0.0) / sum } else { 1.0 / distances.len() as f64 }
    };
    let shares: Vec<f64> = distances.iter().map(share).collect();
    let mut counts: Vec<usize> = shares.iter().map(|share| (share * total as f64) as usize).collect();
    let mut largest_first: Vec<usize> = (0..shares.len()).collect();
    largest_first.sort_by(|&a, &b| shares[b].total_cmp(&shares[a]));
    let left = total.saturating_sub(counts.iter().sum());
    for task in largest_first.into_iter().take(left) {
        counts[task] += 1;
    }
    counts
}

/// The mean of the final hidden states over the tokens of an instruction, as far as the model's context goes: `[D]`.
fn embed(model: &LanguageModel, instruction: &Instruction) -> Result<Tensor, LearnError> {
    let mut ids = model.codec().encode_text(instruction.as_str())?;
    ids.truncate(model.max_tokens());
    let _guard = tch::no_grad_guard();
    let hidden = model.decoder().hidden(&Sequences::new(&[ids], model.device()));
    Ok(hidden.to_kind(Kind::Double).mean_dim(0_i64, false, Kind::Double))
}

fn cosine(a: &Tensor, b: &Tensor) -> f64 {
    (a.dot(b) / (a.norm() * b.norm())).double_value(&[])
}
