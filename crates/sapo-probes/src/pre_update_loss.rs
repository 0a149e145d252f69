use sapo_model::{Encoded, ExampleLoss, LanguageModel, ModelError, SharedPrefix};
use sapo_prompts::Instruction;
use sapo_tasks::{Example, Task, layout};

/// The loss of a task's target tokens under a wording, before any update, forward only. Lower is better.
///
/// Per example: minus the sum over the target tokens of the log-probability, in nats. Cost: one forward pass over the
/// tokens that the asked examples share at their beginning (what their format opens with, and the wording), and over
/// every example's other tokens.
///
/// # Source
/// Shi et al. 2026 (arXiv 2606.01967), section 3.3 and Algorithm 1, line 2.
#[derive(Debug)]
pub struct PreUpdateLoss<'a> {
    /// The model in its current state.
    pub model: &'a LanguageModel,
    /// The task that comes next.
    pub task: &'a Task,
    /// The population of training examples that losses are asked about.
    pub examples: &'a [Example],
    /// Padded tokens in one batch.
    pub token_budget: usize,
}

impl PreUpdateLoss<'_> {
    /// The mean over the target tokens of all examples, in nats a token, and the tokens that went through the model.
    ///
    /// # Errors
    /// As [`PreUpdateLoss::measure`].
    pub fn token_mean(&self, instruction: &Instruction) -> Result<(f64, usize), ModelError> {
        let all: Vec<usize> = (0..self.examples.len()).collect();
        let measured = self.measure(instruction, &all)?;
        let nll: f64 = measured.iter().map(|(loss, _)| loss.nll_sum).sum();
        let targets: usize = measured.iter().map(|(loss, _)| loss.tokens).sum();
        Ok((nll / targets as f64, measured.iter().map(|(_, forward)| forward).sum()))
    }

    /// Losses of the given examples (indices into [`PreUpdateLoss::examples`]) under one instruction, with the number of
    /// tokens that each sent through the model. What they share goes through it once, and counts with the first: asked
    /// together they cost less than one by one.
    ///
    /// # Errors
    /// When an example does not fit the model; its index is the caller's.
    pub fn measure(
        &self,
        instruction: &Instruction,
        indices: &[usize],
    ) -> Result<Vec<(ExampleLoss, usize)>, ModelError> {
        let encoded = indices
            .iter()
            .map(|&i| {
                let prompt = layout::prompt(self.task, instruction, &self.examples[i].input);
                self.model.codec().encode_example(&prompt, self.examples[i].target())
            })
            .collect::<Result<Vec<Encoded>, _>>()?;
        let losses = self.model.example_losses(&encoded, self.token_budget, |_| {})?;
        let shared = SharedPrefix::of(&encoded).ids().len();
        let tokens = encoded.iter().enumerate().map(|(place, example)| {
            let passed_over = if place == 0 { 0 } else { shared };
            example.ids.len() - passed_over
        });
        Ok(losses.into_iter().zip(tokens).collect())
    }
}
