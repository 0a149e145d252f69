use tch::{Kind, Reduction, Tensor};

use crate::attention::has_own_loops;
use crate::{Batch, Encoded, LanguageModel, ModelError, SharedPrefix, token_budget_batches};

/// Loss of one example.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExampleLoss {
    /// Sum over the target tokens of minus the log-probability, in nats.
    pub nll_sum: f64,
    /// Number of target tokens, at least 1.
    pub tokens: usize,
}

impl ExampleLoss {
    /// Mean nats per target token.
    pub fn mean(&self) -> f64 {
        self.nll_sum / self.tokens as f64
    }
}

/// Minus the log-probability of every target token of a batch, in nats: `[M]`, in f32.
#[derive(Debug)]
pub struct TargetNll(pub Tensor);

/// Logits in memory at once: 64 MiB of f32.
const LOGITS_AT_ONCE: i64 = 1 << 24;

impl LanguageModel {
    /// Losses of the target tokens of a batch, with gradients where parameters ask for them.
    ///
    /// Logits are computed at the places that predict a target token only, never `[B, T, vocab]`; the last
    /// block computes nothing else either.
    pub fn target_nll(&self, batch: &Batch, train: bool) -> TargetNll {
        let hidden = self.decoder().hidden_of(&batch.sequences, &batch.asked, train); // [M, D]
        TargetNll(self.nll_of(&hidden, batch))
    }

    /// Losses `[M]` of the target tokens of a batch from the hidden states `[M, D]` that predict them.
    pub(crate) fn nll_of(&self, hidden: &Tensor, batch: &Batch) -> Tensor {
        self.of_logits(hidden, &batch.targets, |logits, targets| {
            logits.cross_entropy_loss(targets, None::<&Tensor>, Reduction::None, -100, 0.0)
        })
    }

    /// What `of` makes of the logits `[rows, vocab]`, in f32, of hidden states `[M, D]` and of their targets `[rows]`, some
    /// rows at a time: `[M, ..]`.
    pub(crate) fn of_logits(
        &self,
        hidden: &Tensor,
        targets: &Tensor,
        of: impl Fn(&Tensor, &Tensor) -> Tensor,
    ) -> Tensor {
        let of_rows = |hidden: &Tensor, targets: &Tensor| {
            of(&self.decoder().logits(hidden).to_kind(Kind::Float), targets)
        };
        let rows = (LOGITS_AT_ONCE / self.decoder().vocab_size()).max(64);
        if hidden.size()[0] <= rows {
            return of_rows(hidden, targets);
        }
        let (hidden, targets) = (hidden.split(rows, 0), targets.split(rows, 0));
        let parts: Vec<Tensor> = hidden.iter().zip(&targets).map(|(h, t)| of_rows(h, t)).collect();
        Tensor::cat(&parts, 0)
    }

    /// The loss of each example, forward only, in batches of at most `token_budget` padded tokens.
    ///
    /// What the examples share at their beginning ([`SharedPrefix`]) goes through the model once.
    ///
    /// # Errors
    /// Refuses examples that do not fit the model's context or have no target; the index counts within `examples`.
    pub fn example_losses(
        &self,
        examples: &[Encoded],
        token_budget: usize,
        mut on_batch: impl FnMut(usize),
    ) -> Result<Vec<ExampleLoss>, ModelError> {
        let mut losses = vec![ExampleLoss { nll_sum: 0.0, tokens: 0 }; examples.len()];
        self.each_batch(examples, token_budget, |members, batch, hidden| {
            let nll = Vec::<f64>::try_from(self.nll_of(hidden, batch).to_kind(Kind::Double))?;
            for (value, &owner) in nll.iter().zip(&batch.owner) {
                let loss = &mut losses[members[owner]];
                loss.nll_sum += value;
                loss.tokens += 1;
            }
            on_batch(members.len());
            Ok(())
        })?;
        Ok(losses)
    }

    /// Reads examples forward only, in batches of at most `token_budget` padded tokens, what they share at their beginning
    /// once. `read` gets the indices of a batch's examples, the batch, and the hidden states `[M, D]` that predict its
    /// target tokens.
    pub(crate) fn each_batch(
        &self,
        examples: &[Encoded],
        token_budget: usize,
        mut read: impl FnMut(&[usize], &Batch, &Tensor) -> Result<(), ModelError>,
    ) -> Result<(), ModelError> {
        let _guard = tch::no_grad_guard();
        for (index, example) in examples.iter().enumerate() {
            example.check(index, self.max_tokens())?;
        }
        let shared = SharedPrefix::of(examples).ids();
        let prefix = (!shared.is_empty()).then(|| self.decoder().read_prefix(shared));
        // elsewhere attention copies the prefix's keys and values for every sequence of a batch, so they count in each
        let in_place = has_own_loops(self.kind(), self.device());
        let uncounted = if in_place { shared.len() } else { 0 };
        let lengths: Vec<usize> = examples.iter().map(|example| example.ids.len() - uncounted).collect();
        for members in token_budget_batches(&lengths, token_budget) {
            let chosen: Vec<&Encoded> = members.iter().map(|&i| &examples[i]).collect();
            let batch = Batch::after(shared.len(), &chosen, self.device());
            let hidden = match &prefix {
                None => self.decoder().hidden_of(&batch.sequences, &batch.asked, false),
                Some(prefix) => self.decoder().hidden_after(prefix, &batch.sequences, &batch.asked),
            };
            read(&members, &batch, &hidden)?;
        }
        Ok(())
    }
}
