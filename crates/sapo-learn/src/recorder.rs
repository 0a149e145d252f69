use std::time::Instant;

use sapo_bench::{EvaluationConfig, evaluate};
use sapo_lab::record::{Prediction, RunRecord, Score, Usage, VariantLoss};
use sapo_model::LanguageModel;
use sapo_prompts::Instruction;
use sapo_tasks::Task;

use crate::LearnError;
use crate::selection::Choice;

/// Fills the record as the run goes on.
pub(crate) struct Recorder<'a> {
    pub(crate) record: RunRecord,
    units_done: usize,
    units: usize,
    on_progress: &'a mut dyn FnMut(usize, usize, &str),
}

impl<'a> Recorder<'a> {
    pub(crate) fn new(tasks: usize, on_progress: &'a mut dyn FnMut(usize, usize, &str)) -> Self {
        Self { record: RunRecord::default(), units_done: 0, units: 3 * tasks + 1, on_progress }
    }

    pub(crate) fn end(self) -> RunRecord {
        (self.on_progress)(self.units, self.units, "done");
        self.record
    }

    pub(crate) fn begin(&mut self, phase: &str, what: &str) {
        self.tell(&format!("{phase}: {what}"));
        self.units_done += 1;
    }

    pub(crate) fn tell(&mut self, what: &str) {
        (self.on_progress)(self.units_done.min(self.units), self.units, what);
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
        let started = Instant::now();
        let mut tokens = 0;
        for (t, (task, prompt)) in tasks.iter().zip(prompts).enumerate() {
            let evaluation = evaluate(model, task, prompt, &task.test, config)?;
            tokens += evaluation.forward_tokens;
            let (step, position) = (step as u32, t as u32 + 1);
            for (metric, value) in [("rouge_l", evaluation.rouge_l), ("exact_match", evaluation.exact_match)]
            {
                self.record.scores.push(Score {
                    step,
                    task: position,
                    task_name: task.name.clone(),
                    metric: metric.to_string(),
                    value,
                    examples: task.test.len() as u32,
                });
            }
            for (index, (prediction, example)) in
                evaluation.predictions.into_iter().zip(&task.test).enumerate()
            {
                let references = example.targets.clone();
                self.record.predictions.push(Prediction {
                    step,
                    task: position,
                    index: index as u32,
                    prediction,
                    references,
                });
            }
        }
        self.note_usage(step, "evaluate", started, tokens);
        Ok(())
    }

    pub(crate) fn note_choice(&mut self, step: usize, task: &Task, choice: &Choice, started: Instant) {
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
        self.note_usage(step, "select", started, choice.forward_tokens);
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
