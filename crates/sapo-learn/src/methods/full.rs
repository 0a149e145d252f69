use sapo_model::LanguageModel;
use serde::{Deserialize, Serialize};

use super::{Lesson, Method};
use crate::{LearnError, NoTerm};

/// Full fine-tuning: every weight is trained, task after task; nothing holds what was learnt before.
///
/// `weights-<step>/model.safetensors` holds all weights in the model's dtype, after the last task alone unless
/// `keep_each`: they are as large as the model. With the base's configuration and tokenizer beside it the folder is a model.
///
/// # Source
/// The `SeqFT` baseline of O-LoRA (Wang et al. 2023, arXiv 2310.14152, section 4.1). Not in the paper of this project. It
/// wants a learning rate of its own, far below that of an adapter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Full {
    /// Whether the weights are kept after every task.
    pub keep_each: bool,
}

impl Method for Full {
    fn learn(&self, model: &mut LanguageModel, mut lesson: Lesson<'_>) -> Result<(), LearnError> {
        let weights = model.train_all_parameters().into_iter().map(|(_, weight)| weight).collect();
        lesson.fit(model, weights, &[], &mut NoTerm)?;
        if self.keep_each || lesson.later().is_empty() {
            model.save_weights(&lesson.artifacts.join(format!("weights-{}", lesson.step)), model.kind())?;
        }
        Ok(())
    }
}
