use sapo_model::{LanguageModel, LoraConfig, model_name};

use super::{Lesson, Method};
use crate::{LearnError, TrainOutcome, train};

/// LoraInc: every task trains a new LoRA; the earlier ones stay frozen and their terms add up.
///
/// A frozen adapter is folded into the weights, so that it costs nothing while later tasks train, and is kept apart on
/// disk as `adapter-<step>/` in PEFT's format.
///
/// # Source
/// The paper's `LoraInc` baseline (arXiv 2606.01967, section 4.1; as in arXiv 2310.14152 without the orthogonality term).
#[derive(Debug)]
pub struct LoraInc {
    lora: LoraConfig,
}

impl LoraInc {
    /// Before the first task.
    pub fn new(lora: LoraConfig) -> Self {
        Self { lora }
    }
}

impl Method for LoraInc {
    fn learn(
        &mut self,
        model: &mut LanguageModel,
        lesson: Lesson<'_>,
        on_step: &mut dyn FnMut(TrainOutcome),
    ) -> Result<(), LearnError> {
        model.attach_lora(&self.lora, lesson.seed)?;
        let parameters = model.lora_parameters();
        train(model, parameters, lesson.texts, lesson.train, lesson.seed, on_step)?;
        let adapter = model.fold_lora(&self.lora);
        let base = model_name(model.path());
        adapter.save(&lesson.artifacts.join(format!("adapter-{}", lesson.step)), &base)?;
        Ok(())
    }
}
