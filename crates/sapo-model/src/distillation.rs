//! Learning from the predictions of another state of the same model.

use tch::{Kind, Tensor};

use crate::{Batch, LanguageModel};

impl LanguageModel {
    /// The final hidden states that predict the target tokens of a batch, forward only and without dropout: what
    /// [`LanguageModel::backward_divergence`] needs of the state that is learnt from.
    ///
    /// # Shapes
    /// `[M, D]`; logits are made of it some rows at a time, so that `[M, vocab]` is never kept.
    pub fn target_hidden(&self, batch: &Batch) -> Tensor {
        tch::no_grad(|| self.decoder().hidden_of(&batch.sequences, &batch.asked, false))
    }

    /// Adds the gradient of `factor` times the summed divergence KL(p' || p) at the target positions to what is
    /// trainable, and returns the sum in nats, before the factor. p and p' are the softmax of the logits over
    /// `temperature`, p' those of `teacher` `[M, D]`, the hidden states of another state of this model under the same
    /// head. No dropout acts and libtorch's random state is not moved. `checkpointing` as in
    /// [`LanguageModel::backward`].
    ///
    /// # Source
    /// Hinton et al. 2015 (arXiv 1503.02531), without its factor of the squared temperature.
    pub fn backward_divergence(
        &self,
        batch: &Batch,
        teacher: &Tensor,
        temperature: f64,
        factor: f64,
        checkpointing: bool,
    ) -> f64 {
        let log_p = |logits: &Tensor| (logits / temperature).log_softmax(-1, Kind::Float);
        let of = |hidden: &Tensor| {
            let divergence = self.of_logits(hidden, teacher, |logits, teacher| {
                let wanted = tch::no_grad(|| log_p(&self.decoder().logits(teacher).to_kind(Kind::Float)));
                let difference = &wanted - log_p(logits);
                (wanted.exp() * difference).sum_dim_intlist(-1_i64, false, Kind::Float)
            });
            divergence.sum(Kind::Float)
        };
        self.backward_of(batch, factor, false, checkpointing, &of)
    }
}
