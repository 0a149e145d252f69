use std::path::Path;

use sapo_model::{LanguageModel, LoraConfig};
use serde::{Deserialize, Serialize};

use super::lesson::{attach_adapter, one_adapter, paper_lora};
use super::{Lesson, Method};
use crate::{LearnError, NoTerm};

/// SeqLora: one LoRA, which every task trains on from where the last one left it; nothing holds what was learnt before.
///
/// The adapter stays attached, also while the model is evaluated. `adapter-<step>/` is the whole of it after a task: the
/// last one alone makes the final model.
///
/// # Source
/// The `SeqLoRA` baseline of O-LoRA (Wang et al. 2023, arXiv 2310.14152, section 4.1).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SeqLora {
    /// The adapter.
    pub lora: LoraConfig,
}

impl Default for SeqLora {
    fn default() -> Self {
        Self { lora: paper_lora(8) }
    }
}

impl Method for SeqLora {
    fn learn(&self, model: &mut LanguageModel, mut lesson: Lesson<'_>) -> Result<(), LearnError> {
        let parameters = one_adapter(model, &self.lora, lesson.seed)?;
        lesson.fit(model, parameters, &[], &mut NoTerm)?;
        lesson.keep(model, &model.attached_lora(&self.lora))
    }

    fn recall(&self, model: &mut LanguageModel, artifacts: &Path, steps: usize) -> Result<(), LearnError> {
        attach_adapter(model, artifacts, steps)
    }
}
