//! What training reads: a source of encoded texts that is asked before every optimiser step.

use sapo_model::{Encoded, LanguageModel};
use serde_json::Value;

use crate::LearnError;

/// The texts of one training, example by example; how an example is worded may change from step to step.
///
/// [`crate::train`] draws the order of the examples and asks for a batch right before its optimiser step, so a source
/// may look at the model as it is now and change its mind. It must not touch libtorch's random state, which draws the
/// dropout. A source may wrap another one, to word its batches otherwise or to add examples to them.
pub trait TrainingTexts {
    /// Number of examples that an epoch goes over.
    fn examples(&self) -> usize;

    /// What can be refused before the first step.
    ///
    /// # Errors
    /// When an example does not fit the model (with its index).
    fn check(&mut self, model: &LanguageModel) -> Result<(), LearnError>;

    /// The texts of the next optimiser step: those of the examples `members`.
    ///
    /// # Errors
    /// When the model cannot be asked, or an example does not fit it.
    fn batch(&mut self, model: &LanguageModel, members: &[usize]) -> Result<TextBatch<'_>, LearnError>;

    /// What the source remembers of the batches that it gave, for another process to go on; null where it remembers
    /// nothing.
    fn state(&self) -> Value {
        Value::Null
    }

    /// Takes up what [`TrainingTexts::state`] gave, in a source that was made of the same and has given no batch yet.
    ///
    /// # Errors
    /// When the state is not one of this source.
    fn restore(&mut self, state: Value) -> Result<(), LearnError> {
        match state {
            Value::Null => Ok(()),
            other => Err(not_mine("nothing", &other)),
        }
    }
}

/// A state that a source of texts does not understand.
pub(crate) fn not_mine(expected: &'static str, got: &Value) -> LearnError {
    LearnError::Setting { name: "state of the texts", got: got.to_string(), expected }
}

/// The texts of one optimiser step.
#[derive(Debug)]
pub struct TextBatch<'a> {
    /// Encoded, in the order of the members.
    pub texts: Vec<&'a Encoded>,
    /// Which of its wordings the source used, by the source's own numbers.
    pub wording: usize,
}

impl TextBatch<'_> {
    /// Tokens of all texts, without padding.
    pub fn tokens(&self) -> usize {
        self.texts.iter().map(|text| text.ids.len()).sum()
    }
}

/// A list of texts that never changes; its one wording has the number 0.
#[derive(Debug, Clone, Copy)]
pub struct FixedTexts<'a>(pub &'a [Encoded]);

impl TrainingTexts for FixedTexts<'_> {
    fn examples(&self) -> usize {
        self.0.len()
    }

    fn check(&mut self, model: &LanguageModel) -> Result<(), LearnError> {
        for (index, text) in self.0.iter().enumerate() {
            text.check(index, model.max_tokens())?;
        }
        Ok(())
    }

    fn batch(&mut self, _: &LanguageModel, members: &[usize]) -> Result<TextBatch<'_>, LearnError> {
        Ok(TextBatch { texts: members.iter().map(|&member| &self.0[member]).collect(), wording: 0 })
    }
}

/// The texts of a source and, after its examples, others that never change: those that a method adds from other tasks.
/// An epoch goes over all of them, shuffled together.
pub struct Joined<'a> {
    /// The source; its wordings are those of the whole.
    pub texts: &'a mut dyn TrainingTexts,
    /// Checked against the model before.
    pub added: &'a [Encoded],
}

impl TrainingTexts for Joined<'_> {
    fn examples(&self) -> usize {
        self.texts.examples() + self.added.len()
    }

    fn check(&mut self, model: &LanguageModel) -> Result<(), LearnError> {
        self.texts.check(model)
    }

    fn batch(&mut self, model: &LanguageModel, members: &[usize]) -> Result<TextBatch<'_>, LearnError> {
        let (own, added) = (self.texts.examples(), self.added);
        let of_source: Vec<usize> = members.iter().copied().filter(|&member| member < own).collect();
        let TextBatch { texts, wording } = self.texts.batch(model, &of_source)?;
        let mut texts = texts.into_iter();
        let next = |&member: &usize| if member < own { texts.next() } else { added.get(member - own) };
        Ok(TextBatch { texts: members.iter().filter_map(next).collect(), wording })
    }

    fn state(&self) -> Value {
        self.texts.state()
    }

    fn restore(&mut self, state: Value) -> Result<(), LearnError> {
        self.texts.restore(state)
    }
}
