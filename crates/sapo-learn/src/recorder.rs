use std::time::Instant;

use sapo_bench::{Evaluation, EvaluationConfig, evaluate};
use sapo_lab::record::{Prediction, RunRecord, Score, Usage, VariantLoss};
use sapo_lab::{Told, TrainingNow};
use sapo_model::{LanguageModel, ModelError, catch_out_of_memory};
use sapo_prompts::Instruction;
use sapo_tasks::Task;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::LearnError;
use crate::progress::{Progress, Unit};
use crate::selection::Choice;

/// Fills the record as the run goes on, unit by unit of work.
pub(crate) struct Recorder<'a> {
    pub(crate) record: RunRecord,
    progress: Option<&'a Progress>,
    phases_begun: usize,
    phases: usize,
    optimiser_steps: usize,
    on_progress: &'a mut dyn FnMut(Told),
}

impl<'a> Recorder<'a> {
    /// For a run over a stream of so many tasks.
    pub(crate) fn new(
        tasks: usize,
        progress: Option<&'a Progress>,
        on_progress: &'a mut dyn FnMut(Told),
    ) -> Self {
        Self::of_phases(3 * tasks + 1, progress, on_progress)
    }

    /// For a run in which [`Recorder::begin`] is called so many times.
    pub(crate) fn of_phases(
        phases: usize,
        progress: Option<&'a Progress>,
        on_progress: &'a mut dyn FnMut(Told),
    ) -> Self {
        Self {
            record: RunRecord::default(),
            progress,
            phases_begun: 0,
            phases,
            optimiser_steps: 0,
            on_progress,
        }
    }

    /// A unit of work: done now, or by an earlier process, whose result and rows are taken.
    ///
    /// # Errors
    /// Those of the work, [`LearnError::OutOfMemory`], [`LearnError::Interrupted`] where the run was asked to stop, and
    /// when what is kept cannot be read or written.
    pub(crate) fn unit<T: Serialize + DeserializeOwned>(
        &mut self,
        name: &str,
        work: impl FnOnce(&mut Self) -> Result<T, LearnError>,
    ) -> Result<T, LearnError> {
        if let Some(progress) = self.progress {
            if let Some(Unit { value, rows }) = progress.unit(name)? {
                self.append(rows);
                return Ok(value);
            }
            if progress.stop_is_asked() {
                return Err(LearnError::Interrupted);
            }
        }
        let before = std::mem::take(&mut self.record);
        let worked = catch_out_of_memory(|| work(self));
        let rows = std::mem::replace(&mut self.record, before);
        let short = |source| LearnError::OutOfMemory { doing: name.to_string(), source };
        let value = match worked {
            Ok(Err(LearnError::Model(source @ ModelError::OutOfMemory(_)))) => Err(short(source)),
            Ok(result) => result,
            Err(source) => Err(short(source)),
        }?;
        let unit = Unit { value, rows };
        if let Some(progress) = self.progress {
            progress.finish(name, &unit)?;
        }
        self.append(unit.rows);
        Ok(unit.value)
    }

    fn append(&mut self, rows: RunRecord) {
        self.optimiser_steps += rows.training.len();
        self.record.append(rows);
    }

    /// Optimiser steps of the finished units.
    pub(crate) fn optimiser_steps(&self) -> usize {
        self.optimiser_steps
    }

    pub(crate) fn end(self) -> RunRecord {
        (self.on_progress)(Told::of(self.phases as u64, self.phases as u64, "done"));
        self.record
    }

    pub(crate) fn begin(&mut self, phase: &str, what: &str) {
        self.phases_begun += 1;
        self.tell(&format!("{phase}: {what}"), None);
    }

    pub(crate) fn tell(&mut self, what: &str, training: Option<TrainingNow>) {
        let done = self.phases_begun.saturating_sub(1).min(self.phases) as u64;
        (self.on_progress)(Told { training, ..Told::of(done, self.phases as u64, what) });
    }

    /// One row of the transfer matrix: every task under its current prompt.
    pub(crate) fn evaluate_all(
        &mut self,
        model: &LanguageModel,
        tasks: &[Task],
        prompts: &[Instruction],
        step: usize,
        config: &EvaluationConfig,
    ) -> Result<(), LearnError> {
        for ((task, prompt), position) in tasks.iter().zip(prompts).zip(1..) {
            self.unit(&format!("evaluate-{step}-{position}"), |run| {
                run.evaluate(model, (task, prompt), (step, position), config)
            })?;
        }
        Ok(())
    }

    /// One cell of the transfer matrix.
    fn evaluate(
        &mut self,
        model: &LanguageModel,
        (task, prompt): (&Task, &Instruction),
        (step, position): (usize, usize),
        config: &EvaluationConfig,
    ) -> Result<(), LearnError> {
        let started = Instant::now();
        let evaluation = evaluate(model, task, prompt, &task.test, config)?;
        let tokens = evaluation.forward_tokens;
        self.note_evaluation(task, (step, position), evaluation);
        self.note_usage(step, "evaluate", started, tokens);
        Ok(())
    }

    /// The scores and answers of the task at this position after this step.
    pub(crate) fn note_evaluation(
        &mut self,
        task: &Task,
        (step, position): (usize, usize),
        evaluation: Evaluation,
    ) {
        let (row, column) = (step as u32, position as u32);
        for scores in &evaluation.scores {
            self.record.scores.push(Score {
                step: row,
                task: column,
                task_name: task.name.clone(),
                metric: scores.metric.name().to_string(),
                value: scores.mean(),
                examples: task.test.len() as u32,
            });
        }
        let answered = evaluation.predictions.into_iter().zip(&task.test).zip(0..);
        self.record.predictions.extend(answered.map(|((prediction, example), index)| Prediction {
            step: row,
            task: column,
            index,
            prediction,
            references: example.targets.clone(),
        }));
    }

    /// What was chosen of what, in so many seconds of asking for losses.
    pub(crate) fn note_choice(&mut self, step: usize, task: &Task, choice: &Choice, seconds: f64) {
        for (variant, evidence) in &choice.candidates {
            self.record.variant_losses.push(VariantLoss {
                step: step as u32,
                task_name: task.name.clone(),
                variant: variant.id.clone(),
                text: variant.text.to_string(),
                loss: evidence.mean,
                examples: evidence.examples as u32,
                chosen: variant.id == choice.variant.id,
            });
        }
        self.note_seconds(step, "select", seconds, choice.forward_tokens);
    }

    pub(crate) fn note_usage(&mut self, step: usize, phase: &str, started: Instant, forward_tokens: u64) {
        self.note_seconds(step, phase, started.elapsed().as_secs_f64(), forward_tokens);
    }

    pub(crate) fn note_seconds(&mut self, step: usize, phase: &str, seconds: f64, forward_tokens: u64) {
        self.record.usage.push(Usage {
            step: step as u32,
            phase: phase.to_string(),
            seconds,
            forward_tokens,
        });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tch::{Device, Kind, Tensor};

    use super::*;

    #[test]
    fn a_unit_that_finds_no_memory_is_an_error_and_is_not_finished() {
        let folder = tempfile::tempdir().unwrap();
        let progress = Progress::open(folder.path(), &json!({})).unwrap();
        let mut silent = |_: Told| ();
        let mut run = Recorder::new(1, Some(&progress), &mut silent);
        let short = run.unit("train-1", |run| {
            run.note_seconds(1, "train", 1.0, 1);
            let _ = Tensor::zeros([1 << 57], (Kind::Float, Device::Cpu));
            Ok(())
        });
        let Err(LearnError::OutOfMemory { doing, .. }) = short else { panic!("{short:?}") };
        assert_eq!(doing, "train-1");
        assert!(!progress.has("train-1") && run.record.usage.is_empty());
        // and done once, it is done for good
        let found = |run: &mut Recorder<'_>| run.unit("train-1", |_| Ok(7)).unwrap();
        assert_eq!(found(&mut run), 7);
        let again: i32 = run.unit("train-1", |_| unreachable!()).unwrap();
        assert_eq!(again, 7);
    }
}
