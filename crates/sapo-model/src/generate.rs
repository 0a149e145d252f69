use rand_chacha::ChaCha8Rng;
use tch::{Kind, Tensor};

use crate::attention::{Asked, KvCache};
use crate::{LanguageModel, ModelError, Sampling, Sequences, token_budget_batches};

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

impl LanguageModel {
    /// Answers to prompts given as token ids, in batches of at most `token_budget` padded prompt tokens.
    ///
    /// A sequence ends at an end-of-answer token or after `max_new_tokens`.
    ///
    /// # Errors
    /// Refuses other than one setting a prompt ([`Decoding::SampleEach`]), a prompt that is empty, or that leaves no room for `max_new_tokens` in the model's context, and fails
    /// where a token is to be drawn from logits without a distribution; each names the prompt's index.
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
        let mut answers = vec![Generation::default(); prompts.len()];
        for members in token_budget_batches(&lengths, token_budget) {
            let chosen: Vec<&[i64]> = members.iter().map(|&i| prompts[i].as_slice()).collect();
            let mut chooser = Chooser::new(decoding, &members);
            let batch = self.generate_batch(&chosen, &mut chooser, max_new_tokens)?;
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

    /// Token ids of the answers to one batch; the end-of-answer token is the last one where it came.
    fn generate_batch(
        &self,
        prompts: &[&[i64]],
        chooser: &mut Chooser,
        max_new_tokens: usize,
    ) -> Result<Vec<Vec<i64>>, ModelError> {
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
            let mut next = chooser.choose(&self.decoder().logits(&hidden), &rows)?; // [B]
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

/// Chooses the next tokens of one batch.
enum Chooser {
    Greedy,
    /// The index of each sequence's prompt, how its tokens are drawn, and its random numbers.
    Sample(Vec<(usize, Sampling, ChaCha8Rng)>),
}

impl Chooser {
    fn new(decoding: Decoding<'_>, prompts: &[usize]) -> Self {
        let by_index = |sampling: Sampling, prompt: usize| (prompt, sampling, sampling.stream(prompt));
        let alone = |sampling: Sampling, prompt: usize| (prompt, sampling, sampling.stream(0));
        match decoding {
            Decoding::Greedy => Self::Greedy,
            Decoding::Sample(sampling) => {
                Self::Sample(prompts.iter().map(|&prompt| by_index(sampling, prompt)).collect())
            }
            Decoding::SampleEach(samplings) => {
                Self::Sample(prompts.iter().map(|&prompt| alone(samplings[prompt], prompt)).collect())
            }
        }
    }

    /// Tokens `[B]` after logits `[B, vocab]`, of which each row is that of one sequence.
    fn choose(&mut self, logits: &Tensor, rows: &[usize]) -> Result<Tensor, ModelError> {
        let Self::Sample(sequences) = self else {
            return Ok(logits.argmax(-1, false));
        };
        let (_, vocab) = logits.size2()?;
        let values = Vec::<f32>::try_from(logits.to_kind(Kind::Float).flatten(0, 1))?;
        let draw = |(&sequence, logits): (&usize, &[f32])| {
            let (prompt, sampling, stream) = &mut sequences[sequence];
            sampling.draw(logits, stream).ok_or(ModelError::NoDistribution { index: *prompt })
        };
        let tokens: Vec<i64> =
            rows.iter().zip(values.chunks_exact(vocab as usize)).map(draw).collect::<Result<_, _>>()?;
        Ok(Tensor::from_slice(&tokens).to_device(logits.device()))
    }
}
