//! The model's answers to the first examples of every task: before any training, after the task's own, and at the end.

use std::collections::BTreeMap;

use sapo_metrics::{exact_match, rouge_l_best};
use serde::Serialize;

use super::texts::Texts;
use crate::record::Prediction;

/// More accepted answers than a table shows well.
const MOST_REFERENCES: usize = 5;

/// The sampled answers of one task.
#[derive(Debug, Serialize)]
pub(super) struct TaskSamples {
    /// Position of the task, from 1.
    pub(super) task: u32,
    /// The steps whose answers are shown.
    pub(super) steps: Vec<u32>,
    pub(super) examples: Vec<Sample>,
}

/// One example.
#[derive(Debug, Serialize)]
pub(super) struct Sample {
    pub(super) index: u32,
    /// Places of accepted answers, the first few.
    pub(super) references: Vec<usize>,
    /// One for each of the steps; absent where none was stored.
    pub(super) answers: Vec<Option<Answer>>,
}

/// What the model said.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    /// Place of the text.
    text: usize,
    /// Whether it is an accepted answer, by exact match.
    right: bool,
    /// ROUGE-L against the best accepted answer, 0 to 100.
    rouge_l: Option<f32>,
}

/// The answers to the first `count` examples of every task.
pub(super) fn first(predictions: &[Prediction], count: usize, texts: &mut Texts) -> Vec<TaskSamples> {
    let last = predictions.iter().map(|prediction| prediction.step).max().unwrap_or(0);
    let mut tasks: BTreeMap<u32, BTreeMap<u32, BTreeMap<u32, &Prediction>>> = BTreeMap::new();
    for prediction in predictions {
        let Prediction { step, task, index, .. } = *prediction;
        if (index as usize) < count && [0, task, last].contains(&step) {
            tasks.entry(task).or_default().entry(index).or_default().insert(step, prediction);
        }
    }
    let samples = tasks.into_iter().map(|(task, examples)| {
        let mut steps: Vec<u32> = examples.values().flat_map(|answers| answers.keys().copied()).collect();
        steps.sort_unstable();
        steps.dedup();
        let examples =
            examples.into_iter().map(|(index, answers)| sample(index, &steps, &answers, texts)).collect();
        TaskSamples { task, steps, examples }
    });
    samples.collect()
}

fn sample(index: u32, steps: &[u32], answers: &BTreeMap<u32, &Prediction>, texts: &mut Texts) -> Sample {
    let references = answers.values().next().map_or(&[][..], |first| &first.references);
    let references = references.iter().take(MOST_REFERENCES).map(|text| texts.place(text)).collect();
    let answers =
        steps.iter().map(|step| answers.get(step).map(|prediction| answer(prediction, texts))).collect();
    Sample { index, references, answers }
}

fn answer(prediction: &Prediction, texts: &mut Texts) -> Answer {
    let Prediction { prediction: text, references, .. } = prediction;
    Answer {
        text: texts.place(text),
        right: references.iter().any(|reference| exact_match(text, reference) > 0.0),
        rouge_l: rouge_l_best(text, references).map(|score| score as f32),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prediction(step: u32, task: u32, index: u32, text: &str) -> Prediction {
        Prediction { step, task, index, prediction: text.into(), references: vec!["yes".into()] }
    }

    #[test]
    fn the_first_examples_before_their_own_training_after_it_and_at_the_end() {
        let mut predictions = Vec::new();
        for step in 0..=3 {
            for task in 1..=3 {
                for index in 0..4 {
                    let text = if step >= task { "yes" } else { "no" };
                    predictions.push(prediction(step, task, index, text));
                }
            }
        }
        let mut texts = Texts::default();
        let samples = first(&predictions, 2, &mut texts);
        let steps: Vec<&[u32]> = samples.iter().map(|task| task.steps.as_slice()).collect();
        assert_eq!(steps, [&[0, 1, 3][..], &[0, 2, 3], &[0, 3]]);
        assert!(samples.iter().all(|task| task.examples.len() == 2));
        let right: Vec<bool> =
            samples[0].examples[0].answers.iter().flatten().map(|answer| answer.right).collect();
        assert_eq!(right, [false, true, true]);
        assert_eq!(texts.into_list(), ["yes", "no"]);
    }

    #[test]
    fn none_are_asked_for_or_stored() {
        let mut texts = Texts::default();
        assert!(first(&[], 5, &mut texts).is_empty());
        assert!(first(&[prediction(1, 1, 0, "yes")], 0, &mut texts).is_empty());
    }
}
