//! What `interference-aware` asks a run: what a step of the next task would do to the tasks learnt so far.

use std::num::NonZeroUsize;
use std::time::Instant;

use sapo_model::LanguageModel;
use sapo_probes::{FirstStep, FreshLora, Interference, Kept, ProbeError};
use sapo_prompts::Instruction;
use sapo_tasks::{Example, Task, subset};
use serde::{Deserialize, Serialize};

use crate::reselection::ProbeCost;

/// How interference is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InterferenceConfig {
    /// Training rows that are kept of every learnt task, and rows of the next task that a step is predicted from.
    pub examples: NonZeroUsize,
}

/// Samples of the tasks learnt so far, each with the wording that is its prompt.
#[derive(Debug)]
pub(crate) struct LearntTasks<'a> {
    config: InterferenceConfig,
    samples: Vec<(&'a Task, Instruction, Vec<Example>)>,
}

impl<'a> LearntTasks<'a> {
    /// Before the first task.
    pub(crate) fn none(config: InterferenceConfig) -> Self {
        Self { config, samples: Vec::new() }
    }

    /// Keeps rows of a learnt task, drawn by the seed.
    pub(crate) fn keep(&mut self, task: &'a Task, prompt: &Instruction, seed: u64) {
        let rows = subset(task.train.len(), self.config.examples.get(), seed);
        let examples = rows.into_iter().map(|row| task.train[row].clone()).collect();
        self.samples.push((task, prompt.clone(), examples));
    }
}

/// A look ahead from the present state of the model, for the wordings of one task.
pub(crate) struct Foresight<'a> {
    pub(crate) learnt: &'a LearntTasks<'a>,
    pub(crate) model: &'a LanguageModel,
    pub(crate) task: &'a Task,
    /// The rows that the selector may ask about; the first of them make the step.
    pub(crate) examples: &'a [Example],
    /// The adapter with which the task's training begins.
    pub(crate) adapter: FreshLora,
    pub(crate) step: FirstStep,
    pub(crate) token_budget: usize,
    /// Made when it is first asked.
    pub(crate) probe: Option<Interference>,
    /// What it took so far.
    pub(crate) cost: ProbeCost,
}

impl Foresight<'_> {
    /// What a step under this wording would do to the learnt tasks, in nats a token; nothing before there are any.
    pub(crate) fn of(&mut self, wording: &Instruction) -> Result<Option<f64>, ProbeError> {
        if self.learnt.samples.is_empty() {
            return Ok(None);
        }
        let started = Instant::now();
        let probe = match self.probe.take() {
            Some(probe) => probe,
            None => self.prepare()?,
        };
        let rows = self.learnt.config.examples.get().min(self.examples.len());
        let measured = probe.of(self.model, self.task, wording, &self.examples[..rows])?;
        self.probe = Some(probe);
        self.cost.tokens += measured.tokens.forward;
        self.cost.seconds += started.elapsed().as_secs_f64();
        Ok(Some(measured.value))
    }

    fn prepare(&mut self) -> Result<Interference, ProbeError> {
        let samples = self.learnt.samples.iter();
        let kept: Vec<Kept<'_>> =
            samples.map(|(task, wording, examples)| Kept { task, wording, examples }).collect();
        let probe = Interference::new(self.model, self.adapter.clone(), &kept, self.step, self.token_budget)?;
        self.cost.tokens += probe.preparation().forward;
        Ok(probe)
    }
}
