//! What a cell found, as typed rows: one Parquet file a kind of row in the cell's folder.
//!
//! Positions count from 1 in the order of the stream; step 0 is the model before any training.

use std::collections::BTreeMap;

use sapo_metrics::{MatrixError, TransferMatrix};
use serde::{Deserialize, Serialize};

/// Everything a cell found. The manifest beside it says what made it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct RunRecord {
    /// The cells of the transfer matrix R, one row a metric.
    pub scores: Vec<Score>,
    /// What the model answered, for every score.
    pub predictions: Vec<Prediction>,
    /// The pre-update loss of every variant that was asked about.
    pub variant_losses: Vec<VariantLoss>,
    /// The training losses.
    pub training: Vec<TrainingStep>,
    /// Seconds and tokens by phase; several rows of one step and phase add up.
    pub usage: Vec<Usage>,
    /// What was measured beside all this; nothing in a run over a stream.
    #[serde(default)]
    pub measurements: Vec<Measurement>,
}

impl RunRecord {
    /// The transfer matrix R of one metric; a cell that was not scored is empty.
    ///
    /// # Errors
    /// When there is no score at all, or the scores are not those of one stream.
    pub fn matrix(&self, metric: &str) -> Result<TransferMatrix, MatrixError> {
        let scores = || self.scores.iter().filter(|score| score.metric == metric);
        let names: BTreeMap<u32, &str> =
            scores().map(|score| (score.task, score.task_name.as_str())).collect();
        matrix_of(names.into_values().map(String::from).collect(), scores())
    }

    /// The wordings that were chosen, in the order of the stream.
    pub fn chosen(&self) -> impl Iterator<Item = &VariantLoss> {
        self.variant_losses.iter().filter(|variant| variant.chosen)
    }

    /// Adds the rows of what was found after this.
    pub fn append(&mut self, later: Self) {
        let Self { scores, predictions, variant_losses, training, usage, measurements } = later;
        self.scores.extend(scores);
        self.predictions.extend(predictions);
        self.variant_losses.extend(variant_losses);
        self.training.extend(training);
        self.usage.extend(usage);
        self.measurements.extend(measurements);
    }
}

/// The transfer matrix R of a stream of these tasks, from the scores of one metric.
///
/// # Errors
/// When a score is of no task of the stream, or cannot stand in R.
pub(crate) fn matrix_of<'a>(
    tasks: Vec<String>,
    scores: impl IntoIterator<Item = &'a Score>,
) -> Result<TransferMatrix, MatrixError> {
    let mut matrix = TransferMatrix::new(tasks)?;
    for score in scores {
        // positions count from 1; 0 would be no task, and is refused as out of range
        let column = (score.task as usize).wrapping_sub(1);
        matrix.set(score.step as usize, column, score.value)?;
    }
    Ok(matrix)
}

/// R[step, task] under one metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Number of tasks trained so far; 0 is the untouched model.
    pub step: u32,
    /// Position of the scored task in the stream, from 1.
    pub task: u32,
    /// Name of the scored task.
    pub task_name: String,
    /// `rouge_l`, `exact_match`, or the metric of the task's own benchmark.
    pub metric: String,
    /// 0 to 100.
    pub value: f64,
    /// Examples behind the value.
    pub examples: u32,
}

/// One answer of the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// Number of tasks trained so far.
    pub step: u32,
    /// Position of the task, from 1.
    pub task: u32,
    /// Index of the example among the evaluated ones.
    pub index: u32,
    /// Greedy answer, stripped.
    pub prediction: String,
    /// Accepted answers; the best one counts.
    pub references: Vec<String>,
}

/// The pre-update loss of one variant, measured before the training of step `step`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VariantLoss {
    /// The step that this measurement precedes, from 1; the task at the same position is the one that is prompted.
    pub step: u32,
    /// Name of the task.
    pub task_name: String,
    /// Id within the pool; `original` is arm 0.
    pub variant: String,
    /// The wording.
    pub text: String,
    /// Mean nats per target token over the subset; absent where the arm chooses without asking the model.
    pub loss: Option<f64>,
    /// Examples behind the loss.
    pub examples: u32,
    /// Whether the selection chose this variant; the task trained with it alone, unless wordings were chosen again.
    pub chosen: bool,
}

/// One optimiser step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingStep {
    /// The task being trained, from 1.
    pub step: u32,
    /// Optimiser step within the task, from 1.
    pub optimiser_step: u32,
    /// Mean nats per target token of the batch.
    pub loss: f64,
    /// Value of the method's own term of the loss, 0 where it has none; absent in cells of older layouts.
    pub term: Option<f64>,
    /// Learning rate of the step.
    pub learning_rate: f64,
    /// Id within the pool of the variant that the batch was worded with.
    pub wording: String,
}

/// Where the time went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Step, as in [`Score::step`].
    pub step: u32,
    /// `search`, `select`, `interference` (looking ahead, which `select` does not count), `gradients`, `train`, `reselect`
    /// (probes while training, which `train` does not count) or `evaluate`.
    pub phase: String,
    /// Wall-clock seconds.
    pub seconds: f64,
    /// Tokens that went forward through the model (padding not counted).
    pub forward_tokens: u64,
}

/// One number about one thing, of a kind that is no score in a transfer matrix: what a study measures of every wording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// What it is about: the id of a wording.
    pub subject: String,
    /// What was measured, in the words of the study that did: `probe:entropy`.
    pub quantity: String,
    /// In the unit of the quantity; always finite, a number that does not exist has no row.
    pub value: f64,
}
