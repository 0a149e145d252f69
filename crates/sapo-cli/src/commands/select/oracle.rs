use indicatif::ProgressBar;
use sapo_bandit::{LossOracle, Observation, OracleError};
use sapo_model::LanguageModel;
use sapo_probes::PreUpdateLoss;
use sapo_prompts::{PromptVariant, word_count};
use sapo_tasks::{Example, Task};

/// Answers from the model, and keeps the answers: a selection tells means alone, intervals need every example.
pub(super) struct RecordingOracle<'a> {
    probe: PreUpdateLoss<'a>,
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
        let probe = PreUpdateLoss { model, task, examples, token_budget };
        Self { probe, variants, bar, observations: vec![Vec::new(); variants.len()] }
    }
}

impl LossOracle for RecordingOracle<'_> {
    fn arms(&self) -> usize {
        self.variants.len()
    }

    fn examples(&self) -> usize {
        self.probe.examples.len()
    }

    fn length(&self, arm: usize) -> Option<usize> {
        Some(word_count(self.variants[arm].text.as_str()))
    }

    fn observe(&mut self, arm: usize, examples: &[usize]) -> Result<Vec<Observation>, OracleError> {
        let measured = self.probe.measure(&self.variants[arm].text, examples)?;
        let observed: Vec<Observation> = measured
            .into_iter()
            .map(|(loss, tokens)| Observation {
                nll_sum: loss.nll_sum,
                target_tokens: loss.tokens as u64,
                forward_tokens: tokens as u64,
            })
            .collect();
        self.bar.inc(examples.len() as u64);
        self.observations[arm].extend_from_slice(&observed);
        Ok(observed)
    }
}
