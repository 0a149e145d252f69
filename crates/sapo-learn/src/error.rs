use std::path::PathBuf;

use sapo_model::ModelError;
use sapo_tasks::builtin::BuiltinError;
use sapo_tasks::readers::ReadError;

/// What can go wrong while learning.
#[derive(Debug, thiserror::Error)]
pub enum LearnError {
    /// The model failed.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Scoring failed.
    #[error(transparent)]
    Bench(#[from] sapo_bench::BenchError),
    /// A wording could not be measured.
    #[error(transparent)]
    Probe(#[from] sapo_probes::ProbeError),
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
    /// What a run keeps in order to go on could not be read or written.
    #[error("cannot {operation} {path}: {source}")]
    State {
        /// `read`, `write`, ...
        operation: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// A file that a run keeps in order to go on is not what was written.
    #[error("{path} is damaged: {problem}; remove the folder it lies in to begin anew")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A folder holds the progress of a run with other settings.
    #[error("{folder} holds the progress of a run with other settings")]
    AnotherRun {
        /// The folder.
        folder: PathBuf,
    },
    /// The run was asked to stop; what it has done is kept.
    #[error("interrupted")]
    Interrupted,
    /// libtorch had no memory left.
    #[error(
        "{doing}: {source}; smaller parts of a batch (train.micro_batch_size, token_budget) or \
         train.gradient_checkpointing need less"
    )]
    OutOfMemory {
        /// What was being done.
        doing: String,
        /// What the allocator said.
        source: ModelError,
    },
    /// A benchmark could not be read.
    #[error(transparent)]
    Data(#[from] ReadError),
    /// There is no such built-in stream.
    #[error(transparent)]
    Builtin(#[from] BuiltinError),
    /// A benchmark is read from a folder, and none was given.
    #[error("the tasks of benchmark {benchmark} are read from a folder, and none was given")]
    NoFolder {
        /// Name of the benchmark.
        benchmark: String,
    },
    /// The candidates of a task cannot be had.
    #[error("wordings of task {task:?}: {problem}")]
    Pool {
        /// Name of the task.
        task: String,
        /// What happened.
        problem: String,
    },
    /// A task's wordings and answers leave no room for its inputs.
    #[error("task {task:?}: wording and answer take {taken} tokens, the model's context has {context}")]
    NoRoom {
        /// Name of the task.
        task: String,
        /// Tokens of its longest wording and its longest answer.
        taken: usize,
        /// The model's context.
        context: usize,
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
