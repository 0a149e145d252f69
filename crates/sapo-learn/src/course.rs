use sapo_lab::TrainingNow;
use sapo_lab::record::TrainingStep;
use sapo_prompts::PromptVariant;

use crate::TrainOutcome;
use crate::recorder::Recorder;

/// What came of the training of one task so far.
#[derive(Default)]
pub(crate) struct Course {
    pub(crate) tokens: u64,
    /// Number of the wording of each optimiser step.
    pub(crate) wording_by_step: Vec<usize>,
    /// Tokens and seconds of the steps that this process has taken.
    own: (usize, f64),
}

impl Course {
    /// Takes note of an optimiser step of the task at position `task`, tells it, and adds its row to the record.
    pub(crate) fn note(
        &mut self,
        run: &mut Recorder<'_>,
        doing: &str,
        task: usize,
        candidates: &[PromptVariant],
        outcome: &TrainOutcome,
    ) {
        self.tokens += outcome.tokens as u64;
        self.wording_by_step.push(outcome.wording);
        if let Some(seconds) = outcome.seconds {
            self.own.0 += outcome.tokens;
            self.own.1 += seconds;
        }
        run.tell(doing, Some(self.now(task, run.optimiser_steps(), outcome)));
        run.record.training.push(TrainingStep {
            step: task as u32,
            optimiser_step: outcome.optimiser_step as u32,
            loss: outcome.loss,
            term: Some(outcome.term),
            learning_rate: outcome.learning_rate,
            wording: candidates[outcome.wording].id.clone(),
        });
    }

    /// What is told of a step of the task at this position, before which the run has taken so many others.
    fn now(&self, task: usize, earlier_steps: usize, outcome: &TrainOutcome) -> TrainingNow {
        let (tokens, seconds) = self.own;
        TrainingNow {
            task: task as u32,
            optimiser_step: outcome.optimiser_step as u64,
            total_steps: outcome.total_steps as u64,
            run_step: (earlier_steps + outcome.optimiser_step) as u64,
            loss: outcome.loss,
            term: outcome.term,
            learning_rate: outcome.learning_rate,
            tokens_per_second: (seconds > 0.0).then(|| tokens as f64 / seconds),
        }
    }
}
