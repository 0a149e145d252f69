use tch::{Device, IndexOp, Kind, Tensor};

use crate::families::KvCache;
use crate::{LanguageModel, ModelError, token_budget_batches};

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
        let (ids, lengths, length) = pad_left(prompts);
        let padding: Vec<i64> = lengths.iter().map(|n| length - n).collect();
        let padding = Tensor::from_slice(&padding).to_device(device).unsqueeze(1); // [B, 1]
        let place = Tensor::arange(length, (Kind::Int64, device)).unsqueeze(0); // [1, T]

        let mut cache = KvCache::default();
        let positions = (&place - &padding).clamp_min(0); // [B, T]
        let mask = prefill_mask(&place, &padding, device);
        let hidden = self.decoder().hidden_cached(&ids.to_device(device), &positions, &mask, &mut cache);
        let mut next = self.decoder().logits(&hidden.i((.., -1, ..))).argmax(-1, false); // [B]

        let mut answers = vec![Vec::new(); prompts.len()];
        let mut running: Vec<usize> = (0..prompts.len()).collect();
        let mut padding = padding;
        for step in 0..max_new_tokens as i64 {
            let tokens = Vec::<i64>::try_from(&next)?;
            let mut kept = Vec::new();
            for (row, &sequence) in running.iter().enumerate() {
                answers[sequence].push(tokens[row]);
                if !self.is_end(tokens[row]) {
                    kept.push(row as i64);
                }
            }
            if kept.is_empty() || step + 1 == max_new_tokens as i64 {
                break;
            }
            if kept.len() < running.len() {
                let rows = Tensor::from_slice(&kept).to_device(device);
                cache.keep(&rows);
                next = next.index_select(0, &rows);
                padding = padding.index_select(0, &rows);
                running = kept.iter().map(|&row| running[row as usize]).collect();
            }
            let positions = (length + step) - &padding; // [B, 1]
            let seen = Tensor::arange(length + step + 1, (Kind::Int64, device)).unsqueeze(0); // [1, S + 1]
            let mask = seen.ge_tensor(&padding).unsqueeze(1).unsqueeze(1); // [B, 1, 1, S + 1]
            let hidden = self.decoder().hidden_cached(&next.unsqueeze(1), &positions, &mask, &mut cache);
            next = self.decoder().logits(&hidden.i((.., -1, ..))).argmax(-1, false);
        }
        Ok(answers)
    }
}

/// Ids `[B, T]` padded on the left, the true lengths, and T.
fn pad_left(prompts: &[&[i64]]) -> (Tensor, Vec<i64>, i64) {
    let length = prompts.iter().map(|prompt| prompt.len()).max().unwrap_or(0);
    let mut ids = Vec::with_capacity(prompts.len() * length);
    for prompt in prompts {
        ids.resize(ids.len() + length - prompt.len(), 0);
        ids.extend_from_slice(prompt);
    }
    let tensor = Tensor::from_slice(&ids).reshape([prompts.len() as i64, length as i64]);
    (tensor, prompts.iter().map(|prompt| prompt.len() as i64).collect(), length as i64)
}

/// True where a place may read another: not later, and not padding; `[B, 1, T, T]`.
///
/// A padded place reads itself: a row without any allowed place would turn into NaN and spread through the values.
fn prefill_mask(place: &Tensor, padding: &Tensor, device: Device) -> Tensor {
    let length = place.size()[1];
    let causal = Tensor::ones([length, length], (Kind::Bool, device)).tril(0); // [T, T]
    let real_key = place.ge_tensor(padding).unsqueeze(1); // [B, 1, T]
    let itself = Tensor::eye(length, (Kind::Bool, device)); // [T, T]
    causal.logical_and(&real_key).logical_or(&itself).unsqueeze(1)
}
