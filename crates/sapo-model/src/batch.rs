use tch::{Device, Tensor};

use crate::attention::Asked;
use crate::{Encoded, ModelError, Sequences};

/// Sequences laid end to end, with the places where a target token is predicted.
#[derive(Debug)]
pub struct Batch {
    /// The sequences, N tokens in all.
    pub sequences: Sequences,
    /// The M tokens from which the target tokens are predicted.
    pub(crate) asked: Asked,
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
        Ok(Self::after(0, examples, device))
    }

    /// Joins what examples, each with a target, have after the first `prefix` tokens, which end before the last token of
    /// every prompt.
    pub(crate) fn after(prefix: usize, examples: &[&Encoded], device: Device) -> Self {
        let (mut predict_from, mut targets, mut owner) = (Vec::new(), Vec::new(), Vec::new());
        let (mut positions, mut start) = (Vec::new(), 0);
        for (index, example) in examples.iter().enumerate() {
            for place in example.target_start..example.ids.len() {
                predict_from.push((start + place - prefix - 1) as i64);
                targets.push(example.ids[place]);
                owner.push(index);
            }
            positions.extend((prefix..example.ids.len()).map(|position| position as i64));
            start += example.ids.len() - prefix;
        }
        let filler = vec![0; filler_tokens(start)];
        let mut ids: Vec<&[i64]> = examples.iter().map(|example| &example.ids[prefix..]).collect();
        if !filler.is_empty() {
            ids.push(&filler);
        }
        positions.extend(&filler); // any that a table of positions has
        let lengths: Vec<i64> = ids.iter().map(|ids| ids.len() as i64).collect();
        Self {
            sequences: Sequences::new(&ids, device).at_positions(&positions),
            asked: Asked::new(&predict_from, &lengths, device),
            targets: Tensor::from_slice(&targets).to_device(device),
            owner,
            examples: examples.len(),
            tokens: start,
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
