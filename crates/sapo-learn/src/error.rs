use sapo_model::ModelError;

/// What can go wrong while learning.
#[derive(Debug, thiserror::Error)]
pub enum LearnError {
    /// The model failed.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Scoring failed.
    #[error(transparent)]
    Bench(#[from] sapo_bench::BenchError),
    /// The choice of a wording failed.
    #[error("choosing a wording for task {task:?}: {problem}")]
    Selection {
        /// Name of the task.
        task: String,
        /// What happened.
        problem: String,
    },
    /// An example of another task, which a method trains with beside the present one's, cannot be used.
    #[error("examples of task {task:?}: {source}")]
    OtherTask {
        /// Name of the task.
        task: String,
        /// What is wrong with one of its training rows.
        source: ModelError,
    },
    /// The loss or its gradient is no longer a number.
    #[error(
        "training diverged at optimiser step {step}: the loss is {loss}, the norm of its gradient {gradient_norm}; \
         a lower learning rate may help"
    )]
    Diverged {
        /// Optimiser step within the task, from 1.
        step: usize,
        /// Mean nats per target token.
        loss: f64,
        /// Before clipping.
        gradient_norm: f64,
    },
    /// There is nothing to train on.
    #[error("task {task:?} has no {split} examples")]
    NoExamples {
        /// Name of the task.
        task: String,
        /// `training` or `test`.
        split: &'static str,
    },
    /// A setting is out of its range.
    #[error("{name} = {got}: expected {expected}")]
    Setting {
        /// Name of the setting.
        name: &'static str,
        /// What came.
        got: String,
        /// What is allowed.
        expected: &'static str,
    },
}
