use sapo_model::{ExampleLoss, ModelError};
use sapo_prompts::Instruction;
use serde::{Deserialize, Serialize};

use crate::{Reduction, Scorer};

/// The loss of a task's target tokens under a wording, before any update, forward only. Lower is better.
///
/// Per example: minus the sum over the target tokens of the log-probability, in nats; over examples: [`Reduction`], in
/// nats a token. Cost: one forward pass over the tokens that the wording's texts begin with, and over every example's
/// other tokens.
///
/// # Source
/// Shi et al. 2026 (arXiv 2606.01967), section 3.3 and Algorithm 1, line 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PreUpdateLoss {
    /// How the losses of examples become one number.
    pub reduction: Reduction,
}

impl PreUpdateLoss {
    /// The loss of a wording over all the scorer's examples, in their order, in nats a token, and the tokens that went
    /// through the model for it; absent where there are no examples.
    ///
    /// # Errors
    /// As [`Scorer::losses`].
    pub fn measure(
        self,
        scorer: &mut Scorer<'_>,
        wording: &Instruction,
    ) -> Result<Option<(f64, usize)>, ModelError> {
        let all: Vec<usize> = (0..scorer.examples().len()).collect();
        let scored = scorer.losses(wording, &all)?;
        let losses: Vec<ExampleLoss> = scored.iter().map(|scored| scored.loss).collect();
        let forward_tokens = scored.iter().map(|scored| scored.forward_tokens).sum();
        Ok(self.reduction.of(&losses).map(|value| (value, forward_tokens)))
    }
}
