//! Choosing the wording of the next task: a selector of `sapo-bandit` asks the model through a probe.

use sapo_bandit::{ArmEvidence, LossOracle, Observation, OracleError, SelectorConfig};
use sapo_model::LanguageModel;
use sapo_probes::{Scored, Scorer};
use sapo_prompts::{Instruction, PromptPool, PromptVariant, word_count};
use sapo_tasks::{Example, Task};
use serde::{Deserialize, Serialize};

use crate::LearnError;
use crate::interference::Foresight;

/// How the wording of a task is chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SelectionConfig {
    /// The rule.
    pub selector: SelectorConfig,
    /// Training examples that the rule may ask about, drawn at random (the paper: 250 or 1,000).
    pub examples: usize,
    /// Whether the original instruction is a candidate beside its paraphrases (the released code: yes; the paper: no).
    pub include_original: bool,
    /// Padded tokens in one batch of the probe.
    pub token_budget: usize,
    /// The state of the model under which all this is measured.
    #[serde(skip_serializing_if = "Under::is_current")]
    pub under: Under,
}

/// The state of the model under which the wording of task t is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Under {
    /// theta_(t-1), as the paper does: each wording just before its task is trained.
    #[default]
    Current,
    /// theta_0: all wordings before the first task, once.
    Untouched,
}

impl Under {
    fn is_current(&self) -> bool {
        *self == Self::Current
    }
}

impl Default for SelectionConfig {
    /// The default rule on 250 examples, the original among the candidates.
    fn default() -> Self {
        Self {
            selector: SelectorConfig::default(),
            examples: 250,
            include_original: true,
            token_budget: 8192,
            under: Under::Current,
        }
    }
}

/// The chosen wording, with what was learnt about every candidate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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

struct ModelOracle<'a, 'b> {
    scorer: Scorer<'a>,
    candidates: &'a [PromptVariant],
    foresight: Option<&'a mut Foresight<'b>>,
}

impl LossOracle for ModelOracle<'_, '_> {
    fn arms(&self) -> usize {
        self.candidates.len()
    }

    fn examples(&self) -> usize {
        self.scorer.examples().len()
    }

    fn length(&self, arm: usize) -> Option<usize> {
        Some(word_count(self.candidates[arm].text.as_str()))
    }

    fn observe(&mut self, arm: usize, examples: &[usize]) -> Result<Vec<Observation>, OracleError> {
        let scored = self.scorer.losses(&self.candidates[arm].text, examples)?;
        Ok(scored.into_iter().map(observation).collect())
    }

    fn observe_each(
        &mut self,
        arms: &[usize],
        examples: &[usize],
    ) -> Result<Vec<Vec<Observation>>, OracleError> {
        let wordings: Vec<&Instruction> = arms.iter().map(|&arm| &self.candidates[arm].text).collect();
        let scored = self.scorer.losses_of_each(&wordings, examples)?;
        Ok(scored.into_iter().map(|of_arm| of_arm.into_iter().map(observation).collect()).collect())
    }

    fn interference(&mut self, arm: usize) -> Result<Option<f64>, OracleError> {
        let Some(foresight) = &mut self.foresight else { return Ok(None) };
        Ok(foresight.of(&self.candidates[arm].text)?)
    }
}

/// What a selector is told of a loss.
pub fn observation(scored: Scored) -> Observation {
    Observation {
        nll_sum: scored.loss.nll_sum,
        target_tokens: scored.loss.tokens as u64,
        forward_tokens: scored.forward_tokens as u64,
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
    choose_with(model, task, pool, examples, config, seed, None)
}

/// As [`choose`], for a selector that may look ahead.
pub(crate) fn choose_with(
    model: &LanguageModel,
    task: &Task,
    pool: &PromptPool,
    examples: &[Example],
    config: &SelectionConfig,
    seed: u64,
    foresight: Option<&mut Foresight<'_>>,
) -> Result<Choice, LearnError> {
    let keep_original = config.include_original || config.selector == SelectorConfig::Original;
    let candidates = if keep_original { pool.variants() } else { &pool.variants()[1..] };
    let scorer = Scorer::new(model, task, examples, config.token_budget);
    let mut oracle = ModelOracle { scorer, candidates, foresight };
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
