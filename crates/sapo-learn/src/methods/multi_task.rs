use std::path::Path;

use sapo_model::{Encoded, LanguageModel, LoraConfig};
use serde::{Deserialize, Serialize};

use super::lesson::{fold_adapters, paper_lora};
use super::{Lesson, Method};
use crate::{LearnError, NoTerm};

/// All tasks at once: the upper bound of what a method that sees one after the other could keep.
///
/// One LoRA is trained at the first task on the rows of the whole stream, shuffled together, and then left alone. All
/// wordings are chosen before, under the untouched model. So every row of R but row 0 is the same: AP is the bound, BWT is
/// 0, and FWT counts tasks as unseen that were trained.
///
/// # Source
/// The `MTL` row of O-LoRA (Wang et al. 2023, arXiv 2310.14152, table 1).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MultiTask {
    /// The adapter.
    pub lora: LoraConfig,
}

impl Default for MultiTask {
    fn default() -> Self {
        Self { lora: paper_lora(8) }
    }
}

impl Method for MultiTask {
    fn learn(&self, model: &mut LanguageModel, mut lesson: Lesson<'_>) -> Result<(), LearnError> {
        let mut others: Vec<Encoded> = Vec::new();
        for later in lesson.later() {
            others.extend(later.encode(model, 0..later.task.train.len())?);
        }
        model.attach_lora(&self.lora, lesson.seed)?;
        let parameters = model.lora_parameters();
        lesson.fit(model, parameters, &others, &mut NoTerm)?;
        let adapter = model.fold_lora(&self.lora);
        lesson.keep(model, &adapter)
    }

    fn recall(&self, model: &mut LanguageModel, artifacts: &Path, _: usize) -> Result<(), LearnError> {
        fold_adapters(model, artifacts, 1) // all is learnt at the first
    }

    fn all_at_once(&self) -> bool {
        true
    }
}
