use std::path::Path;

use sapo_model::{LanguageModel, LoraConfig};
use serde::{Deserialize, Serialize};

use super::lesson::{fold_adapters, paper_lora};
use super::{Lesson, Method};
use crate::{LearnError, NoTerm};

/// LoraInc: every task trains a new LoRA; the earlier ones stay frozen and their terms add up.
///
/// A frozen adapter is folded into the weights, so that it costs nothing while later tasks train, and is kept apart on
/// disk as `adapter-<step>/` in PEFT's format.
///
/// # Source
/// The paper's `LoraInc` baseline (arXiv 2606.01967, section 4.1; as in arXiv 2310.14152 without the orthogonality term).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LoraInc {
    /// The adapter of each task.
    pub lora: LoraConfig,
}

impl Default for LoraInc {
    fn default() -> Self {
        Self { lora: paper_lora(8) }
    }
}

impl Method for LoraInc {
    fn learn(&self, model: &mut LanguageModel, mut lesson: Lesson<'_>) -> Result<(), LearnError> {
        model.attach_lora(&self.lora, lesson.seed)?;
        let parameters = model.lora_parameters();
        lesson.fit(model, parameters, &[], &mut NoTerm)?;
        let adapter = model.fold_lora(&self.lora);
        lesson.keep(model, &adapter)
    }

    fn recall(&self, model: &mut LanguageModel, artifacts: &Path, steps: usize) -> Result<(), LearnError> {
        fold_adapters(model, artifacts, steps)
    }

    fn fresh_adapter(&self) -> Option<&LoraConfig> {
        Some(&self.lora)
    }
}
