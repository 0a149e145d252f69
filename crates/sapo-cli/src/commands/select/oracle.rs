use sapo_bandit::{LossOracle, Observation, OracleError};
use sapo_learn::observation;
use sapo_probes::Scorer;
use sapo_prompts::{Instruction, PromptVariant, word_count};

use crate::interrupt;
use crate::progress::Progress;

/// Losses that are measured before the display moves on, and before Ctrl-C is heard; enough to fill batches.
const AT_ONCE: usize = 128;

/// Answers from the model, and keeps the answers: a selection tells means alone, intervals need every example.
pub(super) struct RecordingOracle<'a> {
    pub(super) scorer: Scorer<'a>,
    pub(super) variants: &'a [PromptVariant],
    pub(super) progress: Progress,
    /// For each arm what was asked and observed, in the order of asking.
    pub(super) records: Vec<Record>,
}

/// What is known of one arm.
#[derive(Debug, Clone, Default)]
pub(super) struct Record {
    pub(super) examples: Vec<usize>,
    pub(super) observations: Vec<Observation>,
    /// How many of the losses were known before.
    pub(super) known: usize,
}

impl RecordingOracle<'_> {
    /// Losses of every arm on the same examples, not too many.
    fn measure(&mut self, arms: &[usize], examples: &[usize]) -> Result<Vec<Vec<Observation>>, OracleError> {
        if interrupt::requested() {
            return Err("interrupted".into());
        }
        let wordings: Vec<&Instruction> = arms.iter().map(|&arm| &self.variants[arm].text).collect();
        let scored = self.scorer.losses_of_each(&wordings, examples)?;
        let mut observed = Vec::with_capacity(arms.len());
        for (&arm, scored) in arms.iter().zip(scored) {
            let observations: Vec<Observation> = scored.into_iter().map(observation).collect();
            let record = &mut self.records[arm];
            record.examples.extend_from_slice(examples);
            record.observations.extend_from_slice(&observations);
            record.known += observations.iter().filter(|observation| observation.forward_tokens == 0).count();
            observed.push(observations);
        }
        self.progress.add(arms.len() * examples.len());
        Ok(observed)
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
        Ok(self.observe_each(&[arm], examples)?.into_iter().flatten().collect())
    }

    fn observe_each(
        &mut self,
        arms: &[usize],
        examples: &[usize],
    ) -> Result<Vec<Vec<Observation>>, OracleError> {
        let mut observed = vec![Vec::with_capacity(examples.len()); arms.len()];
        for some in examples.chunks((AT_ONCE / arms.len().max(1)).max(1)) {
            for (of_arm, more) in observed.iter_mut().zip(self.measure(arms, some)?) {
                of_arm.extend(more);
            }
        }
        Ok(observed)
    }
}
