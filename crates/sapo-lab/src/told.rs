//! What is told of a cell while it is computed: by its worker, to whoever watches.

use serde::{Deserialize, Serialize};

/// How far a cell is.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Told {
    /// Units done.
    pub done: u64,
    /// Units in all.
    pub total: u64,
    /// What is being done.
    pub message: String,
    /// The training that is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training: Option<TrainingNow>,
}

/// An optimiser step that was just taken.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TrainingNow {
    /// Position of the task in the stream, from 1.
    pub task: u32,
    /// Optimiser step within the task, from 1.
    pub optimiser_step: u64,
    /// Optimiser steps that the task takes.
    pub total_steps: u64,
    /// Optimiser steps of the whole run so far.
    pub run_step: u64,
    /// Mean nats per target token of the batch.
    pub loss: f64,
    /// Value of the method's own term of the loss, 0 where it has none.
    pub term: f64,
    /// Learning rate of the step.
    pub learning_rate: f64,
    /// Tokens that this process has trained on a second, in this task; absent before it has taken a step itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_per_second: Option<f64>,
}

impl Told {
    /// What is known without a training.
    #[must_use]
    pub fn of(done: u64, total: u64, message: &str) -> Self {
        Self { done, total, message: message.to_owned(), training: None }
    }

    /// The share that is done, from 0 to 1; a unit that trains counts by its steps.
    #[must_use]
    pub fn share(&self) -> f64 {
        let within =
            self.training.map_or(0.0, |now| now.optimiser_step as f64 / now.total_steps.max(1) as f64);
        ((self.done as f64 + within) / self.total.max(1) as f64).min(1.0)
    }

    /// `3/16 train: mood, step 12/40, loss 0.4321, 1204 tokens/s`
    #[must_use]
    pub fn line(&self) -> String {
        let Self { done, total, message, training } = self;
        let mut line = format!("{done}/{total} {message}");
        if let Some(now) = training {
            line += &format!(", step {}/{}, loss {:.4}", now.optimiser_step, now.total_steps, now.loss);
            if let Some(pace) = now.tokens_per_second {
                line += &format!(", {pace:.0} tokens/s");
            }
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_training_is_told_in_numbers() {
        let mut told = Told::of(3, 16, "train: mood");
        assert_eq!((told.line().as_str(), told.share()), ("3/16 train: mood", 3.0 / 16.0));
        told.training = Some(TrainingNow {
            task: 2,
            optimiser_step: 10,
            total_steps: 40,
            run_step: 50,
            loss: 0.432_11,
            term: 0.0,
            learning_rate: 1e-4,
            tokens_per_second: Some(1203.6),
        });
        assert_eq!(told.line(), "3/16 train: mood, step 10/40, loss 0.4321, 1204 tokens/s");
        assert_eq!(told.share(), 3.25 / 16.0);
        let sent = serde_json::to_string(&told).unwrap();
        assert_eq!(serde_json::from_str::<Told>(&sent).unwrap(), told);
    }
}
