//! Choosing the wording again while a task trains, within a share of the training tokens.

use std::num::NonZeroUsize;
use std::time::Instant;

use sapo_bandit::{Fraction, ProbeBudget, Reselector, ReselectorConfig};
use sapo_model::{Encoded, LanguageModel, SharedPrefix};
use sapo_prompts::PromptVariant;
use sapo_tasks::{Task, subset};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::texts::{TextBatch, TrainingTexts, not_mine};
use crate::wordings::Wordings;
use crate::{LearnError, derive_seed};

/// How the wording is chosen again inside a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReselectionConfig {
    /// The rule.
    pub rule: ReselectorConfig,
    /// Optimiser steps of a stretch, after which the rule chooses again.
    pub every: NonZeroUsize,
    /// Training rows of a probe, drawn anew for each and the same for all its arms.
    pub examples: NonZeroUsize,
    /// Most tokens of probes, as a share of the tokens of training so far.
    #[serde(default = "default_share")]
    pub probe_share: Fraction,
}

fn default_share() -> Fraction {
    ProbeBudget::SHARE
}

/// What the probes of one task took.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct ProbeCost {
    /// Wall-clock, with everything that choosing took.
    pub seconds: f64,
    /// Tokens that went forward through the model.
    pub tokens: u64,
}

/// The texts of a task whose wording a rule of `sapo-bandit` chooses again before each stretch of optimiser steps.
///
/// The first stretch is worded as the selection before training chose: nothing is earned yet that a probe could spend.
/// Probes go forward without dropout, so that they move no random state: a rule that never switches trains bit for bit
/// as without probes.
pub struct Reselecting<'a> {
    wordings: Wordings<'a>,
    rule: Box<dyn Reselector>,
    budget: ProbeBudget,
    config: &'a ReselectionConfig,
    /// Padded tokens in one batch of a probe.
    token_budget: usize,
    seed: u64,
    steps: usize,
    present: usize,
    cost: ProbeCost,
    /// Every choice so far: told again to a rule at its start, they bring it to where it is.
    choices: Vec<ChoiceAgain>,
}

/// What the rule was told when it chose again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct ChoiceAgain {
    affordable: usize,
    losses: Vec<(usize, f64)>,
}

/// What is remembered of a task under way.
#[derive(Serialize, Deserialize)]
struct Remembered {
    steps: usize,
    budget: ProbeBudget,
    cost: ProbeCost,
    choices: Vec<ChoiceAgain>,
}

impl<'a> Reselecting<'a> {
    /// The texts of `task` before its first step, worded as `candidates[first]`.
    ///
    /// `known` are mean losses, in nats a token and all on the same examples, that the selection before training
    /// measured: the rule need not pay for them again. The rows of the probes follow from `seed` alone.
    pub fn start(
        task: &'a Task,
        candidates: &'a [PromptVariant],
        first: usize,
        known: &[(usize, f64)],
        config: &'a ReselectionConfig,
        token_budget: usize,
        seed: u64,
    ) -> Self {
        let mut rule = config.rule.start(candidates.len(), first, derive_seed(seed, "rule", 0));
        if known.len() > 1 {
            rule.learn(known);
        }
        Self {
            wordings: Wordings::new(task, candidates),
            rule,
            budget: ProbeBudget::new(config.probe_share),
            config,
            token_budget,
            seed,
            steps: 0,
            present: first,
            cost: ProbeCost::default(),
            choices: Vec::new(),
        }
    }

    /// What the probes have taken so far.
    pub fn cost(&self) -> ProbeCost {
        self.cost
    }

    /// One probe as far as the budget goes, and the choice for the next stretch.
    fn reselect(&mut self, model: &LanguageModel) -> Result<(), LearnError> {
        let started = Instant::now();
        let seed = derive_seed(self.seed, "probe", self.steps);
        let rows = subset(self.wordings.rows(), self.config.examples.get(), seed);
        let dearest = self.dearest(model, &rows)?;
        let affordable = self.budget.affordable(dearest);
        let wanted = self.rule.wanted(affordable);
        let losses = wanted
            .into_iter()
            .map(|arm| Ok((arm, self.probe(model, arm, &rows)?)))
            .collect::<Result<Vec<(usize, f64)>, LearnError>>()?;
        if !losses.is_empty() {
            self.rule.learn(&losses);
        }
        self.present = self.rule.choose();
        self.choices.push(ChoiceAgain { affordable, losses });
        self.cost.seconds += started.elapsed().as_secs_f64();
        Ok(())
    }

    /// Tokens of a probe of these rows under the wording that takes the most.
    fn dearest(&mut self, model: &LanguageModel, rows: &[usize]) -> Result<u64, LearnError> {
        let mut most = 0;
        for arm in 0..self.wordings.count() {
            let texts = self.wordings.encode(model, arm, rows)?;
            most = most.max(SharedPrefix::of(texts).forward_tokens() as u64);
        }
        Ok(most)
    }

    /// Mean loss of one wording on these rows, in nats a target token.
    fn probe(&mut self, model: &LanguageModel, arm: usize, rows: &[usize]) -> Result<f64, LearnError> {
        let texts: Vec<Encoded> = self.wordings.encode(model, arm, rows)?.into_iter().cloned().collect();
        let tokens = SharedPrefix::of(&texts).forward_tokens() as u64;
        let losses = model.example_losses(&texts, self.token_budget, |_| {})?;
        self.budget.probe(tokens);
        self.cost.tokens += tokens;
        let nll: f64 = losses.iter().map(|loss| loss.nll_sum).sum();
        let targets: usize = losses.iter().map(|loss| loss.tokens).sum();
        Ok(nll / targets as f64)
    }
}

impl TrainingTexts for Reselecting<'_> {
    fn examples(&self) -> usize {
        self.wordings.rows()
    }

    fn check(&mut self, model: &LanguageModel) -> Result<(), LearnError> {
        self.wordings.check(model, self.present)
    }

    fn batch(&mut self, model: &LanguageModel, members: &[usize]) -> Result<TextBatch<'_>, LearnError> {
        if self.steps > 0 && self.steps.is_multiple_of(self.config.every.get()) {
            self.reselect(model)?;
        }
        self.steps += 1;
        let batch =
            TextBatch { texts: self.wordings.encode(model, self.present, members)?, wording: self.present };
        self.budget.train(batch.tokens() as u64);
        Ok(batch)
    }

    fn state(&self) -> Value {
        let (steps, budget, cost) = (self.steps, self.budget, self.cost);
        json!(Remembered { steps, budget, cost, choices: self.choices.clone() })
    }

    fn restore(&mut self, state: Value) -> Result<(), LearnError> {
        let Remembered { steps, budget, cost, choices } = serde_json::from_value(state.clone())
            .map_err(|_| not_mine("steps, budget, cost and choices of a re-selection", &state))?;
        for ChoiceAgain { affordable, losses } in &choices {
            self.rule.wanted(*affordable); // it may draw
            if !losses.is_empty() {
                self.rule.learn(losses);
            }
            self.present = self.rule.choose();
        }
        (self.steps, self.budget, self.cost, self.choices) = (steps, budget, cost, choices);
        Ok(())
    }
}

/// The wording that most optimiser steps were trained with; of several the one that was used last. It is the prompt that
/// a task is evaluated under from then on.
pub fn most_used<T: PartialEq>(by_step: &[T]) -> Option<&T> {
    by_step.iter().max_by_key(|wording| by_step.iter().filter(|used| used == wording).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prompt_is_what_most_steps_used_and_of_several_the_later() {
        assert_eq!(most_used(&[4, 4, 1, 4, 2]), Some(&4));
        assert_eq!(most_used(&[4, 4, 1, 1, 2]), Some(&1));
        assert_eq!(most_used(&[1, 1, 4, 4, 1, 4]), Some(&4));
        assert_eq!(most_used::<usize>(&[]), None);
    }
}
