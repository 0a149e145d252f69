use sapo_model::{Encoded, LanguageModel};
use tch::Kind;

use super::earlier::Kept;
use super::lora_gradient::{FreshLora, LoraGradient, dot, sum_gradient};
use crate::encode::encode;
use crate::{ProbeError, Tokens};

/// The diagonal empirical Fisher information of earlier tasks' kept samples, of every entry of the B matrices.
///
/// Per entry: the square of the gradient of an example's log-likelihood (the sum over its target tokens), mean over the
/// examples of a task, mean over the tasks. The squares are taken example by example: squares of a batch's mean gradient
/// would be another, smaller number. "Empirical" says that the targets are the data's, not drawn from the model.
///
/// # Units
/// nats² per squared unit of the entry.
///
/// # Source
/// Kirkpatrick et al. 2017 (arXiv 1612.00796), as EWC computes it from training data.
#[derive(Debug)]
pub struct Fisher {
    /// Module name to `[out, r]`, none of them negative.
    pub diagonal: LoraGradient,
    /// What it took: every token of every kept example, forward and back.
    pub tokens: Tokens,
}

impl Fisher {
    /// Goes through the kept examples one by one, at the adapter with which the next training begins.
    ///
    /// # Errors
    /// As [`super::EarlierTasks::new`].
    pub fn new(model: &LanguageModel, adapter: &FreshLora, kept: &[Kept<'_>]) -> Result<Self, ProbeError> {
        let first = kept.first().ok_or(ProbeError::NoEarlierTask)?;
        let mut samples: Vec<(&Kept<'_>, Vec<Encoded>)> = Vec::with_capacity(kept.len());
        for kept in kept {
            samples.push((kept, encode(model, kept.task, kept.wording, kept.examples)?));
        }
        let diagonal = adapter.on(model, first.task, |parameters| {
            let mut mean = LoraGradient::zero(parameters);
            for (_, examples) in &samples {
                let weight = 1.0 / (examples.len() * samples.len()) as f64;
                for example in examples {
                    let mut gradient = sum_gradient(model, parameters, &[example])?;
                    for entry in gradient.modules.values_mut() {
                        *entry = entry.square();
                    }
                    mean.add(&gradient, weight);
                }
            }
            Ok(mean)
        })?;
        diagonal.check(first.task)?;
        let lengths = samples.iter().flat_map(|(_, examples)| examples.iter().map(|e| e.ids.len()));
        Ok(Self { diagonal, tokens: Tokens::both_ways(lengths.sum()) })
    }

    /// The sum over all entries of the information times the squared entry of `gradient`.
    pub fn weigh(&self, gradient: &LoraGradient) -> f64 {
        let pairs = self.diagonal.modules.values().zip(gradient.modules.values());
        pairs.map(|(information, gradient)| dot(information, &gradient.to_kind(Kind::Double).square())).sum()
    }
}
