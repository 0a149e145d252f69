use sapo_model::LanguageModel;
use sapo_prompts::Instruction;
use sapo_tasks::{Example, Task};

use super::lora_gradient::{FreshLora, LoraGradient, task_gradient};
use crate::{ProbeError, Tokens};

/// A small sample of an earlier task, kept for asking what a step would do to it.
#[derive(Debug, Clone, Copy)]
pub struct Kept<'a> {
    /// The task.
    pub task: &'a Task,
    /// The wording that it was trained under, with which it is evaluated.
    pub wording: &'a Instruction,
    /// At least one example.
    pub examples: &'a [Example],
}

/// The mean gradient of earlier tasks' kept samples in one state of the model, for any number of wordings.
#[derive(Debug)]
pub struct EarlierTasks {
    /// Mean over the tasks of the gradient of each one's loss, in nats per target token of its sample: every task counts
    /// the same, whatever its sample's size.
    pub gradient: LoraGradient,
    /// What it took.
    pub tokens: Tokens,
}

impl EarlierTasks {
    /// Computes the gradient of every kept sample under its own wording, at the adapter with which the next training
    /// begins.
    ///
    /// # Errors
    /// As [`task_gradient`], and without a kept sample.
    pub fn new(
        model: &LanguageModel,
        adapter: &FreshLora,
        kept: &[Kept<'_>],
        token_budget: usize,
    ) -> Result<Self, ProbeError> {
        let (first, rest) = kept.split_first().ok_or(ProbeError::NoEarlierTask)?;
        let of = |kept: &Kept<'_>| {
            task_gradient(model, adapter, kept.task, kept.wording, kept.examples, token_budget)
        };
        let (mut sum, mut tokens) = of(first)?;
        for kept in rest {
            let (gradient, took) = of(kept)?;
            sum.add(&gradient, 1.0);
            tokens += took;
        }
        for gradient in sum.modules.values_mut() {
            *gradient /= kept.len() as f64;
        }
        Ok(Self { gradient: sum, tokens })
    }
}
