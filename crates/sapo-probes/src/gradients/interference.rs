use sapo_model::LanguageModel;
use sapo_prompts::Instruction;
use sapo_tasks::{Example, Task};
use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::earlier::{EarlierTasks, Kept};
use super::lora_gradient::{FreshLora, LoraGradient, dot, task_gradient};
use crate::{Measurement, ProbeError, Tokens};

/// The first optimiser step of a training, whose effect on earlier tasks is predicted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FirstStep {
    /// How the step follows from the gradient.
    pub update: Update,
    /// Learning rate of the step.
    pub learning_rate: f64,
    /// Largest L2 norm of the gradient, as in training.
    pub max_gradient_norm: f64,
}

/// How a step follows from a gradient g, clipped to the largest norm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Update {
    /// The learning rate times g.
    Gradient,
    /// AdamW's first step, with its usual eps of 1e-8: both moments are those of g alone, so the step is the learning
    /// rate times g / (|g| + eps), in every entry, which is the sign of g where g is not tiny.
    Adamw,
}

impl Default for FirstStep {
    /// The paper's learning rate; the largest norm is that of transformers' trainer.
    fn default() -> Self {
        Self { update: Update::Adamw, learning_rate: 1e-4, max_gradient_norm: 1.0 }
    }
}

const EPS: f64 = 1e-8;

impl FirstStep {
    /// The first-order change of the earlier tasks' mean loss by one step under `gradient`, in nats a token: minus the
    /// inner product of `earlier` with the step. Negative where the step helps them.
    ///
    /// It is linear in the learning rate, except where the clipped gradient is near AdamW's eps.
    pub fn change(&self, earlier: &LoraGradient, gradient: &LoraGradient) -> f64 {
        let clipped = (self.max_gradient_norm / (gradient.norm() + 1e-6)).min(1.0);
        let direction = |gradient: &Tensor| {
            let gradient = gradient * clipped;
            match self.update {
                Update::Gradient => gradient,
                Update::Adamw => &gradient / (gradient.abs() + EPS),
            }
        };
        let pairs = earlier.modules.values().zip(gradient.modules.values());
        let sum: f64 = pairs.map(|(earlier, gradient)| dot(earlier, &direction(gradient))).sum();
        -self.learning_rate * sum
    }
}

/// First-order interference: what the first step of training under a wording would do to earlier tasks. Made once for a
/// task and a state of the model, and asked about each wording; it holds gradients alone, and borrows no model.
///
/// The prediction holds for the state in which it was made: after any change of the model make a new one.
#[derive(Debug)]
pub struct Interference {
    step: FirstStep,
    adapter: FreshLora,
    token_budget: usize,
    earlier: EarlierTasks,
}

impl Interference {
    /// Computes the gradient of the kept samples.
    ///
    /// # Errors
    /// As [`EarlierTasks::new`]; without a kept sample there is nothing to ask.
    pub fn new(
        model: &LanguageModel,
        adapter: FreshLora,
        kept: &[Kept<'_>],
        step: FirstStep,
        token_budget: usize,
    ) -> Result<Self, ProbeError> {
        let earlier = EarlierTasks::new(model, &adapter, kept, token_budget)?;
        Ok(Self { step, adapter, token_budget, earlier })
    }

    /// The predicted change of the earlier tasks' loss by one step on `examples` of `task` under `wording`, in nats a
    /// token: lower is better, negative helps.
    ///
    /// # Errors
    /// As [`task_gradient`].
    pub fn of(
        &self,
        model: &LanguageModel,
        task: &Task,
        wording: &Instruction,
        examples: &[Example],
    ) -> Result<Measurement, ProbeError> {
        let (gradient, tokens) =
            task_gradient(model, &self.adapter, task, wording, examples, self.token_budget)?;
        Measurement::new(&task.name, self.step.change(&self.earlier.gradient, &gradient), tokens)
    }

    /// What the gradient of the kept samples took, once for all wordings.
    pub fn preparation(&self) -> Tokens {
        self.earlier.tokens
    }
}
