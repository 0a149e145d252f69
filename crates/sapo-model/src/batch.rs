use tch::{Device, Tensor};

use crate::attention::Asked;
use crate::prefix::{Continuation, Prefix};
use crate::{Encoded, ModelError, Sequences};

/// Sequences laid end to end, with the places where a target token is predicted.
#[derive(Debug)]
pub struct Batch {
    /// The sequences, N tokens in all.
    pub sequences: Sequences,
    /// The M tokens from which the target tokens are predicted.
    pub(crate) asked: Asked,
    /// The sequences by the prefix that they go on from; empty where none goes on from one.
    pub(crate) continuations: Vec<Continuation>,
    /// The target tokens `[M]`.
    pub targets: Tensor,
    /// For each of the M target tokens, its example's place in the batch.
    pub owner: Vec<usize>,
    /// Number of examples B.
    pub examples: usize,
    /// Tokens N.
    pub tokens: usize,
}

impl Batch {
    /// Joins encoded examples.
    ///
    /// # Errors
    /// Refuses an example without target tokens, or longer than `limit` tokens; `index` in the error counts within
    /// `examples`.
    pub fn new(examples: &[&Encoded], limit: usize, device: Device) -> Result<Self, ModelError> {
        for (index, example) in examples.iter().enumerate() {
            example.check(index, limit)?;
        }
        Ok(Self::after(vec![(None, examples.to_vec())], device))
    }

    /// Joins what examples, each with a target, have after their prefix, which ends before the last token of every prompt.
    pub(crate) fn after(groups: Vec<(Option<Prefix>, Vec<&Encoded>)>, device: Device) -> Self {
        let mut packed = Packed::default();
        let continues = groups.iter().any(|(prefix, _)| prefix.is_some());
        let last = groups.len().saturating_sub(1);
        let mut continuations = Vec::new();
        for (place, (prefix, examples)) in groups.into_iter().enumerate() {
            let (sequence, row, asked) = (packed.lengths.len(), packed.ids.len(), packed.predict_from.len());
            for example in &examples {
                packed.push(example, prefix.as_ref().map_or(0, Prefix::length));
            }
            if place == last {
                packed.fill_up();
            }
            if continues {
                let lengths = (row as i64, &packed.lengths[sequence..]);
                let asked = (asked as i64, &packed.predict_from[asked..]);
                continuations.push(Continuation::new(prefix, lengths, asked, device));
            }
        }
        let Packed { ids, positions, lengths, predict_from, targets, owner, examples, tokens } = packed;
        Self {
            sequences: Sequences::packed(&ids, &positions, &lengths, device),
            asked: Asked::new(&predict_from, &lengths, device),
            continuations,
            targets: Tensor::from_slice(&targets).to_device(device),
            owner,
            examples,
            tokens,
        }
    }
}

/// A batch while it is put together.
#[derive(Default)]
struct Packed {
    ids: Vec<i64>,
    positions: Vec<i64>,
    lengths: Vec<i64>,
    predict_from: Vec<i64>,
    targets: Vec<i64>,
    owner: Vec<usize>,
    examples: usize,
    tokens: usize,
}

impl Packed {
    /// An example without its first `prefix` tokens.
    fn push(&mut self, example: &Encoded, prefix: usize) {
        for place in example.target_start..example.ids.len() {
            self.predict_from.push((self.tokens + place - prefix - 1) as i64);
            self.targets.push(example.ids[place]);
            self.owner.push(self.examples);
        }
        self.ids.extend(&example.ids[prefix..]);
        self.positions.extend((prefix..example.ids.len()).map(|position| position as i64));
        self.lengths.push((example.ids.len() - prefix) as i64);
        self.examples += 1;
        self.tokens += example.ids.len() - prefix;
    }

    fn fill_up(&mut self) {
        let filler = filler_tokens(self.tokens);
        if filler > 0 {
            self.ids.extend(std::iter::repeat_n(0, filler));
            self.positions.extend(std::iter::repeat_n(0, filler)); // any that a table of positions has
            self.lengths.push(filler as i64);
        }
    }
}

/// Tokens of a last sequence that nobody asks about, which brings a batch to a round number of tokens: kernels are made
/// once for each number of rows, and memory is reused where sizes come again.
fn filler_tokens(tokens: usize) -> usize {
    let round = match tokens {
        0..512 => return 0,
        512..4096 => 64,
        _ => 256,
    };
    tokens.next_multiple_of(round) - tokens
}

/// Groups sequences of similar length so that a padded batch holds at most `budget` tokens (a longer single sequence
/// stands alone). Returns indices into `lengths`, longest first, so that the largest batch fails first if memory is short.
pub fn token_budget_batches(lengths: &[usize], budget: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|&i| (std::cmp::Reverse(lengths[i]), i));
    let mut batches: Vec<Vec<usize>> = Vec::new();
    for i in order {
        match batches.last_mut() {
            Some(batch) if (batch.len() + 1) * lengths[batch[0]] <= budget => batch.push(i),
            _ => batches.push(vec![i]),
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn batches_hold_every_sequence_once_and_keep_the_budget(
            lengths in prop::collection::vec(1_usize..50, 0..60),
            budget in 1_usize..200,
        ) {
            let batches = token_budget_batches(&lengths, budget);
            let mut seen: Vec<usize> = batches.iter().flatten().copied().collect();
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..lengths.len()).collect::<Vec<_>>());
            for batch in batches {
                let longest = batch.iter().map(|&i| lengths[i]).max().unwrap();
                prop_assert!(batch.len() == 1 || batch.len() * longest <= budget);
            }
        }
    }
}
