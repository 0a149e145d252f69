use std::path::Path;

use sapo_model::{Encoded, LanguageModel, LoraConfig};
use sapo_tasks::subset;
use serde::{Deserialize, Serialize};

use super::lesson::{attach_adapter, one_adapter, paper_lora};
use super::{Lesson, Method};
use crate::{LearnError, NoTerm, derive_seed};

/// Experience replay: one LoRA throughout; every task trains on its own examples and on those kept of each earlier task.
///
/// Of each task the same `examples` training rows are kept for good, drawn at random. They are read in the wording that
/// their task is prompted with, shuffled among the present ones, and count like them. Without any this is SeqLora.
///
/// # Source
/// Chaudhry et al. 2019 (arXiv 1902.10486): a memory with equal shares of the tasks (its ring buffer). There a batch holds
/// as many examples of the memory as of the task; here all are shuffled together, as TRACE's replay does (BeyonderXX/TRACE,
/// `training/replay.py`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Replay {
    /// Rows kept of each task, all where it has fewer.
    pub examples: usize,
    /// The adapter.
    pub lora: LoraConfig,
}

impl Default for Replay {
    fn default() -> Self {
        Self { examples: 200, lora: paper_lora(8) }
    }
}

impl Method for Replay {
    fn learn(&self, model: &mut LanguageModel, mut lesson: Lesson<'_>) -> Result<(), LearnError> {
        let mut kept: Vec<Encoded> = Vec::new();
        for earlier in lesson.earlier() {
            let seed = derive_seed(earlier.seed, "kept rows", 0); // the task's own, so that they stay the same
            kept.extend(earlier.encode(model, subset(earlier.task.train.len(), self.examples, seed))?);
        }
        let parameters = one_adapter(model, &self.lora, lesson.seed)?;
        lesson.fit(model, parameters, &kept, &mut NoTerm)?;
        lesson.keep(model, &model.attached_lora(&self.lora))
    }

    fn recall(&self, model: &mut LanguageModel, artifacts: &Path, steps: usize) -> Result<(), LearnError> {
        attach_adapter(model, artifacts, steps)
    }
}
