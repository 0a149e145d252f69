use std::collections::HashMap;
use std::collections::hash_map::Entry;

use sapo_model::{Encoded, LanguageModel};
use sapo_prompts::PromptVariant;
use sapo_tasks::{Task, layout};

use crate::LearnError;
use crate::texts::{TextBatch, TrainingTexts};

/// The training rows of a task under any of its candidate wordings, encoded when they are first asked for and kept.
#[derive(Debug)]
pub(crate) struct Wordings<'a> {
    task: &'a Task,
    candidates: &'a [PromptVariant],
    /// By candidate: its rows that were asked for.
    encoded: Vec<HashMap<usize, Encoded>>,
}

impl<'a> Wordings<'a> {
    pub(crate) fn new(task: &'a Task, candidates: &'a [PromptVariant]) -> Self {
        Self { task, candidates, encoded: vec![HashMap::new(); candidates.len()] }
    }

    /// Number of candidates.
    pub(crate) fn count(&self) -> usize {
        self.candidates.len()
    }

    /// Number of training rows.
    pub(crate) fn rows(&self) -> usize {
        self.task.train.len()
    }

    /// The given rows under one candidate, in their order.
    ///
    /// # Errors
    /// When a row does not fit the model; the index is that of the training rows.
    pub(crate) fn encode(
        &mut self,
        model: &LanguageModel,
        wording: usize,
        rows: &[usize],
    ) -> Result<Vec<&Encoded>, LearnError> {
        let kept = &mut self.encoded[wording];
        for &row in rows {
            if let Entry::Vacant(place) = kept.entry(row) {
                let example = &self.task.train[row];
                let prompt = layout::prompt(self.task, &self.candidates[wording].text, &example.input);
                let encoded = model.codec().encode_example(&prompt, example.target())?;
                encoded.check(row, model.max_tokens())?;
                place.insert(encoded);
            }
        }
        Ok(rows.iter().map(|row| &kept[row]).collect())
    }

    /// Encodes all rows under one candidate.
    ///
    /// # Errors
    /// As [`Wordings::encode`].
    pub(crate) fn check(&mut self, model: &LanguageModel, wording: usize) -> Result<(), LearnError> {
        let all: Vec<usize> = (0..self.rows()).collect();
        self.encode(model, wording, &all).map(|_| ())
    }
}

/// A task in one of its candidate wordings from the first step to the last.
#[derive(Debug)]
pub(crate) struct OneWording<'a> {
    wordings: Wordings<'a>,
    wording: usize,
}

impl<'a> OneWording<'a> {
    pub(crate) fn new(task: &'a Task, candidates: &'a [PromptVariant], wording: usize) -> Self {
        Self { wordings: Wordings::new(task, candidates), wording }
    }
}

impl TrainingTexts for OneWording<'_> {
    fn examples(&self) -> usize {
        self.wordings.rows()
    }

    fn check(&mut self, model: &LanguageModel) -> Result<(), LearnError> {
        self.wordings.check(model, self.wording)
    }

    fn batch(&mut self, model: &LanguageModel, members: &[usize]) -> Result<TextBatch<'_>, LearnError> {
        let texts = self.wordings.encode(model, self.wording, members)?;
        Ok(TextBatch { texts, wording: self.wording })
    }
}
