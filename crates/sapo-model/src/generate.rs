use rand_chacha::ChaCha8Rng;
use tch::{Kind, Tensor};

use crate::attention::{Asked, KvCache};
use crate::{KeptPrefix, LanguageModel, ModelError, Sampling, Sequences, SharedPrefix, token_budget_batches};

/// How the next token is chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Decoding<'a> {
    /// The likeliest token.
    Greedy,
    /// A token drawn by chance. Every prompt has random numbers of its own, by its index, so that its answer does not
    /// depend on the other prompts or on batches.
    Sample(Sampling),
    /// The same, each prompt with settings of its own, as if it were the only one.
    SampleEach(&'a [Sampling]),
}

/// An answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Generation {
    /// The answer without special tokens, stripped.
    pub text: String,
    /// Number of generated tokens, the end-of-answer token included.
    pub tokens: usize,
    /// Whether an end-of-answer token came; without one the answer was cut.
    pub ended: bool,
}

impl Generation {
    /// Tokens that went through the model for all `answers` of one call: what the prompts share once, what else they and
    /// the answers have of each.
    pub fn forward_tokens(prompts: &[Vec<i64>], answers: &[Self]) -> usize {
        let written: usize = answers.iter().map(|answer| answer.tokens).sum();
        SharedPrefix::of_prompts(prompts).forward_tokens() + written
    }
}

impl LanguageModel {
    /// Answers to prompts given as token ids, in batches of at most `token_budget` padded prompt tokens.
    ///
    /// A sequence ends at an end-of-answer token or after `max_new_tokens`. What the prompts share at their beginning
    /// ([`SharedPrefix`]) goes through the model once.
    ///
    /// # Errors
    /// Refuses other than one setting a prompt ([`Decoding::SampleEach`]), a prompt that is empty, or that leaves no room
    /// for `max_new_tokens` in the model's context, and fails where a token is to be chosen by logits without a
    /// distribution; each names the prompt's index.
    pub fn generate(
        &self,
        prompts: &[Vec<i64>],
        decoding: Decoding<'_>,
        max_new_tokens: usize,
        token_budget: usize,
        mut on_batch: impl FnMut(usize),
    ) -> Result<Vec<Generation>, ModelError> {
        let _guard = tch::no_grad_guard();
        if let Decoding::SampleEach(samplings) = decoding {
            let (got, expected) = (samplings.len(), prompts.len());
            if got != expected {
                return Err(ModelError::Samplings { got, expected });
            }
        }
        let limit = self.max_tokens();
        let lengths: Vec<usize> = prompts.iter().map(Vec::len).collect();
        if let Some(index) = lengths.iter().position(|&n| n == 0) {
            return Err(ModelError::EmptyPrompt { index });
        }
        if let Some(index) = lengths.iter().position(|&n| n + max_new_tokens > limit) {
            return Err(ModelError::TooLong { index, tokens: lengths[index] + max_new_tokens, limit });
        }
        let prefix = self.read_shared(&SharedPrefix::of_prompts(prompts), token_budget);
        let mut answers = vec![Generation::default(); prompts.len()];
        for members in token_budget_batches(&lengths, token_budget) {
            let batch = self.generate_batch(prompts, prefix.as_ref(), &members, decoding, max_new_tokens)?;
            for (ids, &i) in batch.iter().zip(&members) {
                answers[i] = Generation {
                    text: self.codec().decode(ids)?,
                    tokens: ids.len(),
                    ended: ids.last().is_some_and(|&token| self.is_end(token)),
                };
            }
            on_batch(members.len());
        }
        Ok(answers)
    }

    /// Token ids of the answers to one batch, the prompts `members`, which begin with `prefix`; the end-of-answer token is
    /// the last one where it came.
    fn generate_batch(
        &self,
        prompts: &[Vec<i64>],
        prefix: Option<&KeptPrefix>,
        members: &[usize],
        decoding: Decoding<'_>,
        max_new_tokens: usize,
    ) -> Result<Vec<Vec<i64>>, ModelError> {
        let device = self.device();
        let mut chooser = Chooser::new(decoding, members);
        let before = prefix.map_or(0, |prefix| prefix.ids().len());
        let prompts: Vec<&[i64]> = members.iter().map(|&index| &prompts[index][before..]).collect();
        let lengths: Vec<i64> = prompts.iter().map(|prompt| prompt.len() as i64).collect();
        let last_tokens: Vec<i64> = lengths
            .iter()
            .scan(-1, |end, length| {
                *end += length;
                Some(*end)
            })
            .collect();
        let mut cache = KvCache::new(&lengths, prefix.map(KeptPrefix::whole), max_new_tokens as i64, device);
        let asked = Asked::new(&last_tokens, &lengths, device);
        let sequences = Sequences::starting_at(before as i64, &prompts, device);
        let mut hidden = self.decoder().read_prompts(&sequences, &asked, &mut cache);

        let mut answers = vec![Vec::new(); prompts.len()];
        // the sequence of each row in the batch; rows whose answer has ended stay until many have
        let mut rows: Vec<usize> = (0..prompts.len()).collect();
        let mut ended = vec![false; prompts.len()];
        for step in 1..=max_new_tokens {
            let chosen = chooser.choose(&self.decoder().logits(&hidden), &rows)?;
            for (&token, &sequence) in chosen.iter().zip(&rows) {
                if !ended[sequence] {
                    let index = members[sequence];
                    let token = token.ok_or(ModelError::NoDistribution { index, step })?;
                    answers[sequence].push(token);
                    ended[sequence] = self.is_end(token);
                }
            }
            let running: Vec<i64> =
                (0..rows.len()).filter(|&row| !ended[rows[row]]).map(|row| row as i64).collect();
            if running.is_empty() || step == max_new_tokens {
                break;
            }
            // nobody reads what an ended answer goes on with
            let mut next: Vec<i64> = chosen.into_iter().map(Option::unwrap_or_default).collect();
            if running.len() * 8 <= rows.len() * 7 {
                cache.keep(&Tensor::from_slice(&running).to_device(device));
                next = running.iter().map(|&row| next[row as usize]).collect();
                rows = running.iter().map(|&row| rows[row as usize]).collect();
            }
            hidden = self.decoder().read_next(&Tensor::from_slice(&next).to_device(device), &mut cache);
        }
        Ok(answers)
    }
}

/// Chooses the next tokens of one batch.
enum Chooser {
    Greedy,
    /// How each sequence's tokens are drawn, and its random numbers.
    Sample(Vec<(Sampling, ChaCha8Rng)>),
}

impl Chooser {
    /// For the prompts with these indices.
    fn new(decoding: Decoding<'_>, prompts: &[usize]) -> Self {
        let by_index = |sampling: Sampling, prompt: usize| (sampling, sampling.stream(prompt));
        let alone = |sampling: Sampling| (sampling, sampling.stream(0));
        match decoding {
            Decoding::Greedy => Self::Greedy,
            Decoding::Sample(sampling) => {
                Self::Sample(prompts.iter().map(|&prompt| by_index(sampling, prompt)).collect())
            }
            Decoding::SampleEach(samplings) => {
                Self::Sample(prompts.iter().map(|&prompt| alone(samplings[prompt])).collect())
            }
        }
    }

    /// A token after each row of logits `[B, vocab]`, the row being that of one sequence; none where the logits have no
    /// distribution.
    fn choose(&mut self, logits: &Tensor, rows: &[usize]) -> Result<Vec<Option<i64>>, ModelError> {
        let Self::Sample(sequences) = self else { return likeliest(logits) };
        let (_, vocab) = logits.size2()?;
        let values = Vec::<f32>::try_from(logits.to_kind(Kind::Float).flatten(0, 1))?;
        let draw = |(&sequence, logits): (&usize, &[f32])| {
            let (sampling, stream) = &mut sequences[sequence];
            sampling.draw(logits, stream)
        };
        Ok(rows.iter().zip(values.chunks_exact(vocab as usize)).map(draw).collect())
    }
}

/// The likeliest token by each row of logits `[B, vocab]`, of equal ones the lowest id.
fn likeliest(logits: &Tensor) -> Result<Vec<Option<i64>>, ModelError> {
    let tokens = logits.argmax(-1, true); // [B, 1]; in a row with a logit that is not a number, the place of such a one
    let highest = logits.gather(1, &tokens, false).to_kind(Kind::Float);
    let (tokens, highest) =
        (Vec::<i64>::try_from(tokens.flatten(0, 1))?, Vec::<f32>::try_from(highest.flatten(0, 1))?);
    Ok(tokens.into_iter().zip(highest).map(|(token, logit)| logit.is_finite().then_some(token)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likeliest_token_is_none_where_logits_have_no_distribution() {
        let (nan, inf) = (f32::NAN, f32::INFINITY);
        let rows =
            [[1.0, 3.0, 3.0], [1.0, nan, 3.0], [nan; 3], [0.0, inf, 0.0], [-inf; 3], [-inf, -inf, 0.0]];
        let logits = Tensor::from_slice(rows.as_flattened()).reshape([6, 3]);
        assert_eq!(likeliest(&logits).unwrap(), [Some(1), None, None, None, None, Some(2)]);
    }
}
