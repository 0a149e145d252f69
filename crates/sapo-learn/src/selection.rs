//! Choosing the wording of the next task: a selector of `sapo-bandit` asks the model through a probe.

use sapo_bandit::{ArmEvidence, LossOracle, Observation, OracleError, SelectorConfig};
use sapo_model::LanguageModel;
use sapo_probes::PreUpdateLoss;
use sapo_prompts::{PromptPool, PromptVariant, word_count};
use sapo_tasks::{Example, Task};
use serde::{Deserialize, Serialize};

use crate::LearnError;

/// How the wording of a task is chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SelectionConfig {
    /// The rule.
    pub selector: SelectorConfig,
    /// Training examples that the rule may ask about, drawn at random (the paper: 250 or 1,000).
    pub examples: usize,
    /// Whether the original instruction is a candidate beside its paraphrases (the released code: yes; the paper: no).
    pub include_original: bool,
    /// Padded tokens in one batch of the probe.
    pub token_budget: usize,
}

/// The chosen wording, with what was learnt about every candidate.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// The winner.
    pub variant: PromptVariant,
    /// Its place among the candidates.
    pub winner: usize,
    /// Every candidate with its evidence, in the order of the pool.
    pub candidates: Vec<(PromptVariant, ArmEvidence)>,
    /// Tokens that went forward through the model.
    pub forward_tokens: u64,
}

impl Choice {
    /// The candidates, in the order of the pool.
    pub(crate) fn variants(&self) -> Vec<PromptVariant> {
        self.candidates.iter().map(|(variant, _)| variant.clone()).collect()
    }

    /// Mean losses, in nats a token, of the candidates that were asked about all of `examples`: they compare directly.
    pub(crate) fn losses_on(&self, examples: usize) -> Vec<(usize, f64)> {
        let asked = |(place, (_, evidence)): (usize, &(PromptVariant, ArmEvidence))| {
            evidence.mean.filter(|_| evidence.examples == examples).map(|mean| (place, mean))
        };
        self.candidates.iter().enumerate().filter_map(asked).collect()
    }
}

struct ModelOracle<'a> {
    probe: PreUpdateLoss<'a>,
    candidates: &'a [PromptVariant],
}

impl LossOracle for ModelOracle<'_> {
    fn arms(&self) -> usize {
        self.candidates.len()
    }

    fn examples(&self) -> usize {
        self.probe.examples.len()
    }

    fn length(&self, arm: usize) -> Option<usize> {
        Some(word_count(self.candidates[arm].text.as_str()))
    }

    fn observe(&mut self, arm: usize, examples: &[usize]) -> Result<Vec<Observation>, OracleError> {
        let measured = self.probe.measure(&self.candidates[arm].text, examples)?;
        let observation = |(loss, tokens): (sapo_model::ExampleLoss, usize)| Observation {
            nll_sum: loss.nll_sum,
            target_tokens: loss.tokens as u64,
            forward_tokens: tokens as u64,
        };
        Ok(measured.into_iter().map(observation).collect())
    }
}

/// Chooses the wording that `task` is trained with next, under the model's current state.
///
/// # Errors
/// Names the task and what failed.
pub fn choose(
    model: &LanguageModel,
    task: &Task,
    pool: &PromptPool,
    examples: &[Example],
    config: &SelectionConfig,
    seed: u64,
) -> Result<Choice, LearnError> {
    let keep_original = config.include_original || config.selector == SelectorConfig::Original;
    let candidates = if keep_original { pool.variants() } else { &pool.variants()[1..] };
    let mut oracle = ModelOracle {
        probe: PreUpdateLoss { model, task, examples, token_budget: config.token_budget },
        candidates,
    };
    let selection = config
        .selector
        .build()
        .select(&mut oracle, seed)
        .map_err(|error| LearnError::Selection { task: task.name.clone(), problem: error.to_string() })?;
    Ok(Choice {
        variant: candidates[selection.winner].clone(),
        winner: selection.winner,
        candidates: candidates.iter().cloned().zip(selection.arms).collect(),
        forward_tokens: selection.forward_tokens,
    })
}
