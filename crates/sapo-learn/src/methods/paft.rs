use std::path::Path;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sapo_model::{LanguageModel, LoraConfig};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::lesson::{fold_adapters, paper_lora};
use super::{Lesson, Method};
use crate::texts::{TextBatch, TrainingTexts, not_mine};
use crate::wordings::Wordings;
use crate::{LearnError, NoTerm, derive_seed, train};

/// PAFT: LoraInc, whose every batch is in a wording drawn at random from the candidates of the task.
///
/// It re-words: what a selection chose is only what the task is prompted with in evaluation.
///
/// # Source
/// Wei et al. 2025 (arXiv 2502.12859), its dynamic fine-tuning with a new prompt for every step (K = 1). There the
/// candidates are written by ten language models for this purpose; here they are those of the pool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Paft {
    /// The adapter of each task.
    pub lora: LoraConfig,
}

impl Default for Paft {
    fn default() -> Self {
        Self { lora: paper_lora(8) }
    }
}

impl Method for Paft {
    fn learn(&self, model: &mut LanguageModel, lesson: Lesson<'_>) -> Result<(), LearnError> {
        model.attach_lora(&self.lora, lesson.seed)?;
        let parameters = model.lora_parameters();
        let mut texts = RandomWordings {
            wordings: Wordings::new(lesson.task().task, lesson.candidates),
            rng: ChaCha8Rng::seed_from_u64(derive_seed(lesson.seed, "wording of a batch", 0)),
            batches: 0,
        };
        train(model, parameters, &mut texts, &mut NoTerm, lesson.training(), &mut *lesson.on_step)?;
        let adapter = model.fold_lora(&self.lora);
        lesson.keep(model, &adapter)
    }

    fn recall(&self, model: &mut LanguageModel, artifacts: &Path, steps: usize) -> Result<(), LearnError> {
        fold_adapters(model, artifacts, steps)
    }

    fn fresh_adapter(&self) -> Option<&LoraConfig> {
        Some(&self.lora)
    }

    fn words_itself(&self) -> bool {
        true
    }
}

/// A task in another wording at every optimiser step.
struct RandomWordings<'a> {
    wordings: Wordings<'a>,
    rng: ChaCha8Rng,
    batches: usize,
}

impl RandomWordings<'_> {
    fn draw(&mut self) -> usize {
        self.batches += 1;
        self.rng.random_range(0..self.wordings.count())
    }
}

impl TrainingTexts for RandomWordings<'_> {
    fn examples(&self) -> usize {
        self.wordings.rows()
    }

    /// All rows in the longest wording.
    fn check(&mut self, model: &LanguageModel) -> Result<(), LearnError> {
        let mut longest = (0, 0);
        for wording in 0..self.wordings.count() {
            let tokens = self.wordings.encode(model, wording, &[0])?[0].ids.len();
            longest = longest.max((tokens, wording));
        }
        self.wordings.check(model, longest.1)
    }

    fn batch(&mut self, model: &LanguageModel, members: &[usize]) -> Result<TextBatch<'_>, LearnError> {
        let wording = self.draw();
        Ok(TextBatch { texts: self.wordings.encode(model, wording, members)?, wording })
    }

    fn state(&self) -> Value {
        self.batches.into()
    }

    fn restore(&mut self, state: Value) -> Result<(), LearnError> {
        let batches = state.as_u64().ok_or_else(|| not_mine("a number of batches", &state))?;
        for _ in 0..batches {
            self.draw();
        }
        Ok(())
    }
}
