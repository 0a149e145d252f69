use tch::{Kind, Tensor};

use crate::{Encoded, LanguageModel, ModelError};

/// What the model predicts at every target position of one example, in the order of its target tokens.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TokenStats {
    /// Minus the log-probability of the target token, in nats.
    pub nll: Vec<f64>,
    /// Entropy of the predictive distribution over the whole vocabulary, in nats.
    pub entropy: Vec<f64>,
}

impl LanguageModel {
    /// Loss and predictive entropy of every target token of each example from one pass, forward only, in batches of at
    /// most `token_budget` padded tokens; what the examples share at their beginning goes through the model once.
    ///
    /// # Errors
    /// As [`LanguageModel::example_losses`].
    pub fn token_stats(
        &self,
        examples: &[Encoded],
        token_budget: usize,
        mut on_batch: impl FnMut(usize),
    ) -> Result<Vec<TokenStats>, ModelError> {
        let mut stats = vec![TokenStats::default(); examples.len()];
        self.each_batch(examples, token_budget, |members, batch, hidden| {
            let pairs = self.of_logits(hidden, &batch.targets, nll_and_entropy).to_kind(Kind::Double);
            let nll = Vec::<f64>::try_from(pairs.select(1, 0))?;
            let entropy = Vec::<f64>::try_from(pairs.select(1, 1))?;
            for ((nll, entropy), &owner) in nll.into_iter().zip(entropy).zip(&batch.owner) {
                let stats = &mut stats[members[owner]];
                stats.nll.push(nll);
                stats.entropy.push(entropy);
            }
            on_batch(members.len());
            Ok(())
        })?;
        Ok(stats)
    }
}

/// Logits `[rows, vocab]` and targets `[rows]` to `[rows, 2]`.
fn nll_and_entropy(logits: &Tensor, targets: &Tensor) -> Tensor {
    let log_p = logits.log_softmax(-1, Kind::Float);
    let nll = -log_p.gather(1, &targets.unsqueeze(1), false).squeeze_dim(1);
    let entropy = -(log_p.exp() * log_p).sum_dim_intlist(-1_i64, false, Kind::Float);
    Tensor::stack(&[nll, entropy], 1)
}
