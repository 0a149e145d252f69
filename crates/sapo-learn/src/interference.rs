//! What `interference-aware` asks a run: what a step of the next task would do to the tasks learnt so far.

use std::num::NonZeroUsize;
use std::time::Instant;

use sapo_bandit::{LossOracle, Observation, OracleError};
use sapo_model::LanguageModel;
use sapo_probes::{FirstStep, FreshLora, Interference, Kept, Update};
use sapo_prompts::{Instruction, PromptPool, PromptVariant};
use sapo_tasks::{Example, Task, subset};
use serde::{Deserialize, Serialize};

use crate::reselection::ProbeCost;
use crate::selection::{Choice, ModelOracle, SelectionConfig, decide};
use crate::{LearnError, TrainConfig};

/// How interference is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InterferenceConfig {
    /// Training rows that are kept of every learnt task, and rows of the next task that a step is predicted from.
    pub examples: NonZeroUsize,
}

/// Samples of the tasks learnt so far, each with the wording that is its prompt.
#[derive(Debug)]
pub(crate) struct Learnt<'a> {
    config: InterferenceConfig,
    samples: Vec<(&'a Task, Instruction, Vec<Example>)>,
}

impl<'a> Learnt<'a> {
    /// Before the first task.
    pub(crate) fn nothing(config: InterferenceConfig) -> Self {
        Self { config, samples: Vec::new() }
    }

    /// Keeps rows of a learnt task, drawn by the seed.
    pub(crate) fn keep(&mut self, task: &'a Task, prompt: &Instruction, seed: u64) {
        let rows = subset(task.train.len(), self.config.examples.get(), seed);
        let examples = rows.into_iter().map(|row| task.train[row].clone()).collect();
        self.samples.push((task, prompt.clone(), examples));
    }

    /// Chooses as [`crate::choose`] does, for a selector that also asks for interference; also what that took.
    pub(crate) fn choose(
        &self,
        model: &LanguageModel,
        next: &Next<'_>,
        pool: &PromptPool,
        config: &SelectionConfig,
        seed: u64,
    ) -> Result<(Choice, ProbeCost), LearnError> {
        let candidates = config.candidates(pool);
        let token_budget = config.token_budget;
        let mut oracle = Oracle {
            losses: ModelOracle::new(model, next.task, next.examples, candidates, token_budget),
            model,
            next,
            candidates,
            token_budget,
            learnt: self,
            probe: None,
            cost: ProbeCost::default(),
        };
        let choice = decide(&mut oracle, next.task, candidates, config.selector, seed)?;
        Ok((choice, oracle.cost))
    }
}

/// The task whose wording is chosen.
pub(crate) struct Next<'a> {
    pub(crate) task: &'a Task,
    /// The rows that a selector may ask about.
    pub(crate) examples: &'a [Example],
    /// The adapter with which its training begins.
    pub(crate) adapter: FreshLora,
    pub(crate) train: &'a TrainConfig,
}

impl Next<'_> {
    /// A step of its training at the highest learning rate; that of the very first step is 0 where it is warmed up.
    fn step(&self) -> FirstStep {
        let TrainConfig { learning_rate, max_gradient_norm, .. } = *self.train;
        FirstStep { update: Update::Adamw, learning_rate, max_gradient_norm }
    }
}

struct Oracle<'a> {
    losses: ModelOracle<'a>,
    model: &'a LanguageModel,
    next: &'a Next<'a>,
    candidates: &'a [PromptVariant],
    token_budget: usize,
    learnt: &'a Learnt<'a>,
    /// Made when it is first asked.
    probe: Option<Interference>,
    cost: ProbeCost,
}

impl Oracle<'_> {
    fn measure(&mut self, arm: usize) -> Result<f64, OracleError> {
        let probe = match self.probe.take() {
            Some(probe) => probe,
            None => {
                let samples = self.learnt.samples.iter();
                let kept: Vec<Kept<'_>> =
                    samples.map(|(task, wording, examples)| Kept { task, wording, examples }).collect();
                let adapter = self.next.adapter.clone();
                let probe =
                    Interference::new(self.model, adapter, &kept, self.next.step(), self.token_budget)?;
                self.cost.tokens += probe.preparation().forward;
                probe
            }
        };
        let rows = &self.next.examples[..self.learnt.config.examples.get().min(self.next.examples.len())];
        let measured = probe.of(self.model, self.next.task, &self.candidates[arm].text, rows)?;
        self.probe = Some(probe);
        self.cost.tokens += measured.tokens.forward;
        Ok(measured.value)
    }
}

impl LossOracle for Oracle<'_> {
    fn arms(&self) -> usize {
        self.losses.arms()
    }

    fn examples(&self) -> usize {
        self.losses.examples()
    }

    fn length(&self, arm: usize) -> Option<usize> {
        self.losses.length(arm)
    }

    fn interference(&mut self, arm: usize) -> Result<Option<f64>, OracleError> {
        if self.learnt.samples.is_empty() {
            return Ok(None);
        }
        let started = Instant::now();
        let measured = self.measure(arm)?;
        self.cost.seconds += started.elapsed().as_secs_f64();
        Ok(Some(measured))
    }

    fn observe(&mut self, arm: usize, examples: &[usize]) -> Result<Vec<Observation>, OracleError> {
        self.losses.observe(arm, examples)
    }

    fn observe_each(
        &mut self,
        arms: &[usize],
        examples: &[usize],
    ) -> Result<Vec<Vec<Observation>>, OracleError> {
        self.losses.observe_each(arms, examples)
    }
}
