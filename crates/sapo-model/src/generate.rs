use tch::Tensor;

use crate::attention::{Asked, KvCache};
use crate::{LanguageModel, ModelError, Sequences, token_budget_batches};

/// A greedy answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generation {
    /// The answer without special tokens, stripped.
    pub text: String,
    /// Number of generated tokens, the end-of-answer token included.
    pub tokens: usize,
}

impl LanguageModel {
    /// Greedy answers to prompts given as token ids, in batches of at most `token_budget` padded prompt tokens.
    ///
    /// A sequence ends at an end-of-answer token or after `max_new_tokens`.
    ///
    /// # Errors
    /// Refuses a prompt that is empty, or that leaves no room for `max_new_tokens` in the model's context, with its index.
    pub fn generate(
        &self,
        prompts: &[Vec<i64>],
        max_new_tokens: usize,
        token_budget: usize,
        mut on_batch: impl FnMut(usize),
    ) -> Result<Vec<Generation>, ModelError> {
        let _guard = tch::no_grad_guard();
        let limit = self.max_tokens();
        let lengths: Vec<usize> = prompts.iter().map(Vec::len).collect();
        if let Some(index) = lengths.iter().position(|&n| n == 0) {
            return Err(ModelError::EmptyPrompt { index });
        }
        if let Some(index) = lengths.iter().position(|&n| n + max_new_tokens > limit) {
            return Err(ModelError::TooLong { index, tokens: lengths[index] + max_new_tokens, limit });
        }
        let mut answers = vec![Generation { text: String::new(), tokens: 0 }; prompts.len()];
        for members in token_budget_batches(&lengths, token_budget) {
            let chosen: Vec<&[i64]> = members.iter().map(|&i| prompts[i].as_slice()).collect();
            for (ids, &i) in self.generate_batch(&chosen, max_new_tokens)?.iter().zip(&members) {
                answers[i] = Generation { text: self.codec().decode(ids)?, tokens: ids.len() };
            }
            on_batch(members.len());
        }
        Ok(answers)
    }

    /// Token ids of the greedy answers to one batch; the end-of-answer token is the last one where it came.
    fn generate_batch(&self, prompts: &[&[i64]], max_new_tokens: usize) -> Result<Vec<Vec<i64>>, ModelError> {
        let device = self.device();
        let lengths: Vec<i64> = prompts.iter().map(|prompt| prompt.len() as i64).collect();
        let last_tokens: Vec<i64> = lengths
            .iter()
            .scan(-1, |end, length| {
                *end += length;
                Some(*end)
            })
            .collect();
        let mut cache = KvCache::new(&lengths, max_new_tokens as i64, device);
        let asked = Asked::new(&last_tokens, &lengths, device);
        let mut hidden = self.decoder().read_prompts(&Sequences::new(prompts, device), &asked, &mut cache);

        let mut answers = vec![Vec::new(); prompts.len()];
        // the sequence of each row in the batch; rows whose answer has ended stay until many have
        let mut rows: Vec<usize> = (0..prompts.len()).collect();
        let mut ended = vec![false; prompts.len()];
        for step in 1..=max_new_tokens {
            let mut next = self.decoder().logits(&hidden).argmax(-1, false); // [B]
            for (token, &sequence) in Vec::<i64>::try_from(&next)?.into_iter().zip(&rows) {
                if !ended[sequence] {
                    answers[sequence].push(token);
                    ended[sequence] = self.is_end(token);
                }
            }
            let running: Vec<i64> =
                (0..rows.len()).filter(|&row| !ended[rows[row]]).map(|row| row as i64).collect();
            if running.is_empty() || step == max_new_tokens {
                break;
            }
            if running.len() * 8 <= rows.len() * 7 {
                let kept = Tensor::from_slice(&running).to_device(device);
                cache.keep(&kept);
                next = next.index_select(0, &kept);
                rows = running.iter().map(|&row| rows[row as usize]).collect();
            }
            hidden = self.decoder().read_next(&next, &mut cache);
        }
        Ok(answers)
    }
}
