use sapo_model::{LanguageModel, ModelError, Sequences, token_budget_batches};
use tch::{Kind, Tensor};

use super::DriftError;

/// The final hidden states of fixed texts in one state of a model, after the last norm.
#[derive(Debug)]
pub struct HiddenSnapshot {
    texts: Vec<Vec<i64>>,
    /// `[N, D]` in f32, the texts' tokens in an order that the texts alone decide.
    states: Tensor,
}

/// How far hidden states have moved, mean over all tokens of all texts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HiddenDrift {
    /// Mean of 1 − cos(h, h'), 0 to 2.
    pub cosine: f64,
    /// Mean of ||h' − h||₂ / ||h||₂.
    pub relative_l2: f64,
}

impl HiddenSnapshot {
    /// Reads texts given as token ids, in batches of at most `token_budget` padded tokens.
    ///
    /// # Errors
    /// When there is no text, or one is empty or longer than the model's context.
    pub fn of(model: &LanguageModel, texts: &[Vec<i64>], token_budget: usize) -> Result<Self, DriftError> {
        if texts.is_empty() {
            let (expected, got) = ("at least one".to_string(), "none".to_string());
            return Err(DriftError::Different { what: "texts", expected, got });
        }
        for (index, ids) in texts.iter().enumerate() {
            let (tokens, limit) = (ids.len(), model.max_tokens());
            if tokens == 0 {
                return Err(ModelError::EmptyPrompt { index }.into());
            }
            if tokens > limit {
                return Err(ModelError::TooLong { index, tokens, limit }.into());
            }
        }
        let lengths: Vec<usize> = texts.iter().map(Vec::len).collect();
        let read = |members: Vec<usize>| {
            let chosen: Vec<&[i64]> = members.iter().map(|&i| texts[i].as_slice()).collect();
            model.decoder().hidden(&Sequences::new(&chosen, model.device())).to_kind(Kind::Float)
        };
        let _guard = tch::no_grad_guard();
        let states: Vec<Tensor> =
            token_budget_batches(&lengths, token_budget).into_iter().map(read).collect();
        Ok(Self { texts: texts.to_vec(), states: Tensor::cat(&states, 0) })
    }

    /// The drift from this state to a later one.
    ///
    /// # Errors
    /// When the snapshots are of different texts, or a hidden state was zero.
    pub fn drift(&self, later: &Self) -> Result<HiddenDrift, DriftError> {
        if self.texts != later.texts || self.states.size() != later.states.size() {
            let shape = |snapshot: &Self| {
                format!("{} texts with states {:?}", snapshot.texts.len(), snapshot.states.size())
            };
            return Err(DriftError::Different { what: "texts", expected: shape(self), got: shape(later) });
        }
        let wide = |snapshot: &Self| snapshot.states.to_kind(Kind::Double);
        let norm = |x: &Tensor| x.square().sum_dim_intlist(-1_i64, false, Kind::Double).sqrt();
        let (before, after) = (wide(self), wide(later));
        let (before_norm, after_norm) = (norm(&before), norm(&after));
        if (&before_norm * &after_norm).min().double_value(&[]) == 0.0 {
            return Err(DriftError::Zero { what: "a hidden state".to_string() });
        }
        let products = (&before * &after).sum_dim_intlist(-1_i64, false, Kind::Double);
        let distance: Tensor = 1.0 - products / (&before_norm * &after_norm);
        let moved = norm(&(after - before)) / before_norm;
        let mean = |values: &Tensor| values.mean(Kind::Double).double_value(&[]);
        Ok(HiddenDrift { cosine: mean(&distance), relative_l2: mean(&moved) })
    }
}
