use indicatif::ProgressBar;
use sapo_bandit::{LossOracle, Observation, OracleError};
use sapo_model::LanguageModel;
use sapo_probes::{Scored, Scorer};
use sapo_prompts::{Instruction, PromptVariant, word_count};
use sapo_tasks::{Example, Task};

/// Answers from the model, and keeps the answers: a selection tells means alone, intervals need every example.
pub(super) struct RecordingOracle<'a> {
    scorer: Scorer<'a>,
    variants: &'a [PromptVariant],
    bar: &'a ProgressBar,
    /// For each arm what was observed, in the order of asking.
    pub(super) observations: Vec<Vec<Observation>>,
}

impl<'a> RecordingOracle<'a> {
    pub(super) fn new(
        model: &'a LanguageModel,
        task: &'a Task,
        examples: &'a [Example],
        variants: &'a [PromptVariant],
        token_budget: usize,
        bar: &'a ProgressBar,
    ) -> Self {
        let scorer = Scorer::new(model, task, examples, token_budget);
        Self { scorer, variants, bar, observations: vec![Vec::new(); variants.len()] }
    }

    /// Keeps what an arm's examples gave.
    fn note(&mut self, arm: usize, scored: Vec<Scored>) -> Vec<Observation> {
        let observation = |scored: Scored| Observation {
            nll_sum: scored.loss.nll_sum,
            target_tokens: scored.loss.tokens as u64,
            forward_tokens: scored.forward_tokens as u64,
        };
        let observed: Vec<Observation> = scored.into_iter().map(observation).collect();
        self.bar.inc(observed.len() as u64);
        self.observations[arm].extend_from_slice(&observed);
        observed
    }
}

impl LossOracle for RecordingOracle<'_> {
    fn arms(&self) -> usize {
        self.variants.len()
    }

    fn examples(&self) -> usize {
        self.scorer.examples().len()
    }

    fn length(&self, arm: usize) -> Option<usize> {
        Some(word_count(self.variants[arm].text.as_str()))
    }

    fn observe(&mut self, arm: usize, examples: &[usize]) -> Result<Vec<Observation>, OracleError> {
        let scored = self.scorer.losses(&self.variants[arm].text, examples)?;
        Ok(self.note(arm, scored))
    }

    fn observe_each(
        &mut self,
        arms: &[usize],
        examples: &[usize],
    ) -> Result<Vec<Vec<Observation>>, OracleError> {
        let wordings: Vec<&Instruction> = arms.iter().map(|&arm| &self.variants[arm].text).collect();
        let scored = self.scorer.losses_of_each(&wordings, examples)?;
        Ok(arms.iter().zip(scored).map(|(&arm, scored)| self.note(arm, scored)).collect())
    }
}
