use sapo_model::ModelError;

/// Why a probe has no number.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The model failed; indices count within the examples that were given.
    #[error("task {task:?}: {source}")]
    Model {
        /// Name of the task whose texts the model read.
        task: String,
        /// The reason.
        source: ModelError,
    },
    /// A number over examples needs at least one.
    #[error("task {task:?}: expected at least {expected} example(s), got {got}")]
    Examples {
        /// Name of the task.
        task: String,
        /// The fewest that the number is defined for.
        expected: usize,
        /// How many there are.
        got: usize,
    },
    /// The probe compares with earlier tasks, and no sample of one was kept.
    #[error("no sample of an earlier task was kept; without one there is nothing to interfere with")]
    NoEarlierTask,
    /// The number is not defined or not finite.
    #[error("task {task:?}: {problem}")]
    Undefined {
        /// Name of the task.
        task: String,
        /// What has no value.
        problem: String,
    },
}

impl ProbeError {
    /// Puts the task's name before what the model says.
    pub(crate) fn model(task: &sapo_tasks::Task) -> impl Fn(ModelError) -> Self {
        |source| Self::Model { task: task.name.clone(), source }
    }
}
