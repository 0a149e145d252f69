//! What a method adds to the loss of the data.

use sapo_model::{Encoded, LanguageModel};

use crate::LearnError;

/// A term of the training loss beside that of the data.
pub trait LossTerm {
    /// Adds the term's gradient to the one that the data's loss has left, and returns the term's value.
    ///
    /// [`crate::train`] asks once an optimiser step, after all parts of the batch have gone back and before the gradient is
    /// clipped. A term must not touch libtorch's random state, which draws the dropout.
    ///
    /// # Errors
    /// When the model cannot be asked.
    fn add(&mut self, model: &LanguageModel, texts: &[&Encoded]) -> Result<f64, LearnError>;
}

/// The loss of the data alone.
#[derive(Debug, Clone, Copy)]
pub struct NoTerm;

impl LossTerm for NoTerm {
    fn add(&mut self, _: &LanguageModel, _: &[&Encoded]) -> Result<f64, LearnError> {
        Ok(0.0)
    }
}
