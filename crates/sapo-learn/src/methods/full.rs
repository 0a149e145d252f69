use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use sapo_model::LanguageModel;
use serde::{Deserialize, Serialize};

use super::{Lesson, Method};
use crate::{LearnError, NoTerm};

/// Full fine-tuning: every weight is trained, task after task; nothing holds what was learnt before.
///
/// `weights-<step>/model.safetensors` holds all weights in the model's dtype; those of the task before are removed when a
/// task is learnt, unless `keep_each`: they are as large as the model. With the base's configuration and tokenizer beside it the folder is a model.
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
        Ok(model.save_weights(&folder(lesson.artifacts, lesson.step), model.kind())?)
    }

    fn recall(&self, model: &mut LanguageModel, artifacts: &Path, steps: usize) -> Result<(), LearnError> {
        Ok(model.load_weights(&folder(artifacts, steps))?)
    }

    fn tidy(&self, artifacts: &Path, steps: usize) -> Result<(), LearnError> {
        if self.keep_each {
            return Ok(());
        }
        let before = folder(artifacts, steps.saturating_sub(1));
        match std::fs::remove_dir_all(&before) {
            Err(source) if source.kind() != ErrorKind::NotFound => {
                Err(LearnError::State { operation: "remove", path: before, source })
            }
            _ => Ok(()),
        }
    }
}

fn folder(artifacts: &Path, step: usize) -> PathBuf {
    artifacts.join(format!("weights-{step}"))
}
