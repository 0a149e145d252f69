use sapo_bandit::{LossOracle, Observation, OracleError};
use sapo_model::{LanguageModel, SharedPrefix};
use sapo_prompts::{PromptVariant, word_count};

use super::texts::Texts;
use crate::interrupt;
use crate::progress::Progress;

/// Answers from the model, and keeps the answers: a selection tells means alone, intervals need every example.
pub(super) struct RecordingOracle<'a> {
    pub(super) model: &'a LanguageModel,
    pub(super) texts: &'a Texts,
    pub(super) variants: &'a [PromptVariant],
    pub(super) token_budget: usize,
    pub(super) progress: Progress,
    /// For each arm what was observed, in the order of asking.
    pub(super) observations: Vec<Vec<Observation>>,
}

impl LossOracle for RecordingOracle<'_> {
    fn arms(&self) -> usize {
        self.variants.len()
    }

    fn examples(&self) -> usize {
        self.texts.examples()
    }

    fn length(&self, arm: usize) -> Option<usize> {
        Some(word_count(self.variants[arm].text.as_str()))
    }

    fn observe(&mut self, arm: usize, examples: &[usize]) -> Result<Vec<Observation>, OracleError> {
        if interrupt::requested() {
            return Err("interrupted".into());
        }
        let texts = self.texts.of(arm, examples);
        let losses = self.model.example_losses(&texts, self.token_budget, |done| self.progress.add(done))?;
        let shared = SharedPrefix::of(&texts).ids().len();
        let observed: Vec<Observation> = losses
            .into_iter()
            .zip(&texts)
            .enumerate()
            .map(|(place, (loss, text))| Observation {
                nll_sum: loss.nll_sum,
                target_tokens: loss.tokens as u64,
                forward_tokens: (text.ids.len() - if place == 0 { 0 } else { shared }) as u64,
            })
            .collect();
        self.observations[arm].extend_from_slice(&observed);
        Ok(observed)
    }
}
