//! Typed rows as Parquet, one column a field, and the rows of a [`RunRecord`]: the only file of the store that knows
//! polars.
//!
//! Layout 2 added the column `wording` to `training.parquet`, layout 3 the column `term`, layout 4 the file
//! `measurements.parquet`, which is there where something was measured. Older folders are read as what they meant.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use polars_core::prelude::*;
use polars_io::prelude::*;
use sapo_files::whole;

use crate::record::{Measurement, Prediction, RunRecord, Score, TrainingStep, Usage, VariantLoss};

/// What can go wrong between rows and a file.
#[derive(Debug, thiserror::Error)]
pub enum ParquetError {
    /// The file system refused.
    #[error("cannot {operation} {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// `write` or `open`.
        operation: &'static str,
        /// The reason.
        source: std::io::Error,
    },
    /// The content is not the table that it should be.
    #[error("cannot {operation} {path}: {source}")]
    Table {
        /// The file.
        path: PathBuf,
        /// `write` or `read`.
        operation: &'static str,
        /// The reason.
        source: PolarsError,
    },
    /// A score that is not a number would be a missing score in disguise.
    #[error("the {metric} of task {task} ({task_name}) after step {step} is {got}, expected a finite number")]
    NotANumber {
        /// Step of the score.
        step: u32,
        /// Position of the task.
        task: u32,
        /// Name of the task.
        task_name: String,
        /// Metric of the score.
        metric: String,
        /// What the score is.
        got: f64,
    },
    /// The same of a measurement.
    #[error("the {quantity} of {subject} is {got}, expected a finite number")]
    NotMeasured {
        /// What it is about.
        subject: String,
        /// What was measured.
        quantity: String,
        /// What came.
        got: f64,
    },
}

impl ParquetError {
    /// The file that it is about.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Io { path, .. } | Self::Table { path, .. } => Some(path),
            Self::NotANumber { .. } | Self::NotMeasured { .. } => None,
        }
    }
}

/// The scores of a folder, and where the time went: all that an index asks of one.
pub(crate) fn read_scores_and_usage(folder: &Path) -> Result<(Vec<Score>, Vec<Usage>), ParquetError> {
    Ok((read_rows(&folder.join(SCORES))?, read_rows(&folder.join(USAGE))?))
}

/// Writes every kind of row into `folder` and says which files it made.
///
/// # Errors
/// [`ParquetError`]; a score or a measurement that is not finite is refused.
pub(crate) fn write(folder: &Path, record: &RunRecord) -> Result<(), ParquetError> {
    if let Some(score) = record.scores.iter().find(|score| !score.value.is_finite()) {
        let Score { step, task, task_name, metric, value, .. } = score.clone();
        return Err(ParquetError::NotANumber { step, task, task_name, metric, got: value });
    }
    if let Some(measured) = record.measurements.iter().find(|measured| !measured.value.is_finite()) {
        let Measurement { subject, quantity, value } = measured.clone();
        return Err(ParquetError::NotMeasured { subject, quantity, got: value });
    }
    put_rows(&folder.join(SCORES), &record.scores)?;
    put_rows(&folder.join(PREDICTIONS), &record.predictions)?;
    put_rows(&folder.join(VARIANT_LOSSES), &record.variant_losses)?;
    put_rows(&folder.join(TRAINING), &record.training)?;
    put_rows(&folder.join(USAGE), &record.usage)?;
    if record.measurements.is_empty() {
        return Ok(());
    }
    put_rows(&folder.join(MEASUREMENTS), &record.measurements)
}

/// Reads every kind of row from `folder`, which has this version of the layout.
///
/// # Errors
/// [`ParquetError`]: a file is missing, or is not the table that it should be.
pub(crate) fn read(folder: &Path, version: u64) -> Result<RunRecord, ParquetError> {
    let variant_losses = read_rows(&folder.join(VARIANT_LOSSES))?;
    let training = folder.join(TRAINING);
    let training = match version {
        1 => TrainingStep1::worded(read_rows(&training)?, &variant_losses)
            .map_err(|source| ParquetError::Table { path: training, operation: "read", source })?,
        2 => read_rows(&training)?.into_iter().map(TrainingStep2::without_term).collect(),
        _ => read_rows(&training)?,
    };
    Ok(RunRecord {
        scores: read_rows(&folder.join(SCORES))?,
        predictions: read_rows(&folder.join(PREDICTIONS))?,
        variant_losses,
        training,
        usage: read_rows(&folder.join(USAGE))?,
        // the manifest lists the files of a cell, so that one which was lost is noticed before
        measurements: match folder.join(MEASUREMENTS) {
            path if path.exists() => read_rows(&path)?,
            _ => Vec::new(),
        },
    })
}

/// A row of `training.parquet` in layout 1, whose tasks were trained with the chosen wording alone.
struct TrainingStep1 {
    step: u32,
    optimiser_step: u32,
    loss: f64,
    learning_rate: f64,
}

impl TrainingStep1 {
    fn worded(rows: Vec<Self>, variants: &[VariantLoss]) -> PolarsResult<Vec<TrainingStep>> {
        let worded = |Self { step, optimiser_step, loss, learning_rate }| {
            let chosen = variants.iter().find(|variant| variant.chosen && variant.step == step);
            let chosen =
                chosen.ok_or_else(|| polars_err!(ComputeError: "no wording was chosen for step {step}"))?;
            let wording = chosen.variant.clone();
            Ok(TrainingStep { step, optimiser_step, loss, term: None, learning_rate, wording })
        };
        rows.into_iter().map(worded).collect()
    }
}

/// A row of `training.parquet` in layout 2.
struct TrainingStep2 {
    step: u32,
    optimiser_step: u32,
    loss: f64,
    learning_rate: f64,
    wording: String,
}

impl TrainingStep2 {
    fn without_term(self) -> TrainingStep {
        let Self { step, optimiser_step, loss, learning_rate, wording } = self;
        TrainingStep { step, optimiser_step, loss, term: None, learning_rate, wording }
    }
}

/// Writes a file of rows, whole or not at all.
pub(crate) fn write_rows<R: Row>(path: &Path, rows: &[R]) -> Result<(), ParquetError> {
    whole::write(path, &encoded(path, rows)?).map_err(not_written(path))
}

/// Writes a file of rows that is nobody's until its folder appears, which syncs it.
fn put_rows<R: Row>(path: &Path, rows: &[R]) -> Result<(), ParquetError> {
    fs::write(path, encoded(path, rows)?).map_err(not_written(path))
}

fn encoded<R: Row>(path: &Path, rows: &[R]) -> Result<Vec<u8>, ParquetError> {
    let table = |source| ParquetError::Table { path: path.to_path_buf(), operation: "write", source };
    let mut bytes = Vec::new();
    let mut frame = DataFrame::new(rows.len(), R::columns(rows)).map_err(table)?;
    ParquetWriter::new(&mut bytes).finish(&mut frame).map_err(table)?;
    Ok(bytes)
}

fn not_written(path: &Path) -> impl FnOnce(std::io::Error) -> ParquetError {
    move |source| ParquetError::Io { path: path.to_path_buf(), operation: "write", source }
}

/// Reads a file of rows.
pub(crate) fn read_rows<R: Row>(path: &Path) -> Result<Vec<R>, ParquetError> {
    let path = path.to_path_buf();
    let file = File::open(&path).map_err(|source| ParquetError::Io {
        path: path.clone(),
        operation: "open",
        source,
    })?;
    let rows = ParquetReader::new(file).finish().and_then(|frame| R::rows(&frame));
    rows.map_err(|source| ParquetError::Table { path, operation: "read", source })
}

/// A kind of row: its fields as columns of the same names.
pub(crate) trait Row: Sized {
    fn columns(rows: &[Self]) -> Vec<Column>;
    fn rows(frame: &DataFrame) -> PolarsResult<Vec<Self>>;
}

macro_rules! row {
    ($row:ident, $($field:ident: $kind:ty),+) => {
        impl Row for $row {
            fn columns(rows: &[Self]) -> Vec<polars_core::prelude::Column> {
                vec![$(<$kind as Field>::column(stringify!($field), rows.iter().map(|row| &row.$field))),+]
            }

            fn rows(frame: &polars_core::prelude::DataFrame) -> polars_core::prelude::PolarsResult<Vec<Self>> {
                $(let mut $field = <$kind as Field>::values(frame.column(stringify!($field))?)?.into_iter();)+
                let rows = std::iter::from_fn(|| Some($row { $($field: $field.next()?),+ }));
                Ok(rows.collect())
            }
        }
    };
}

pub(crate) use row;

row!(Score, step: u32, task: u32, task_name: String, metric: String, value: f64, examples: u32);
row!(Prediction, step: u32, task: u32, index: u32, prediction: String, references: Vec<String>);
row!(
    VariantLoss,
    step: u32, task_name: String, variant: String, text: String, loss: Option<f64>, examples: u32, chosen: bool
);
row!(
    TrainingStep,
    step: u32, optimiser_step: u32, loss: f64, term: Option<f64>, learning_rate: f64, wording: String
);
row!(TrainingStep2, step: u32, optimiser_step: u32, loss: f64, learning_rate: f64, wording: String);
row!(TrainingStep1, step: u32, optimiser_step: u32, loss: f64, learning_rate: f64);
row!(Usage, step: u32, phase: String, seconds: f64, forward_tokens: u64);
row!(Measurement, subject: String, quantity: String, value: f64);

const SCORES: &str = "scores.parquet";
const PREDICTIONS: &str = "predictions.parquet";
const VARIANT_LOSSES: &str = "variant_losses.parquet";
const TRAINING: &str = "training.parquet";
const USAGE: &str = "usage.parquet";
const MEASUREMENTS: &str = "measurements.parquet";

/// A type of field and its type of column.
pub(crate) trait Field: Sized {
    fn column<'a>(name: &str, values: impl ExactSizeIterator<Item = &'a Self>) -> Column
    where
        Self: 'a;
    fn values(column: &Column) -> PolarsResult<Vec<Self>>;
}

macro_rules! number {
    ($kind:ty, $chunked:ident, $get:ident) => {
        impl Field for $kind {
            fn column<'a>(name: &str, values: impl ExactSizeIterator<Item = &'a Self>) -> Column {
                Column::new(name.into(), values.copied().collect::<Vec<_>>())
            }

            fn values(column: &Column) -> PolarsResult<Vec<Self>> {
                column.$get()?.iter().map(|value| present(column, value)).collect()
            }
        }
    };
}

number!(u32, UInt32Chunked, u32);
number!(u64, UInt64Chunked, u64);
number!(f64, Float64Chunked, f64);
number!(bool, BooleanChunked, bool);

impl Field for Option<f64> {
    fn column<'a>(name: &str, values: impl ExactSizeIterator<Item = &'a Self>) -> Column {
        Column::new(name.into(), values.copied().collect::<Vec<_>>())
    }

    fn values(column: &Column) -> PolarsResult<Vec<Self>> {
        Ok(column.f64()?.iter().collect())
    }
}

impl Field for String {
    fn column<'a>(name: &str, values: impl ExactSizeIterator<Item = &'a Self>) -> Column {
        Column::new(name.into(), values.map(String::as_str).collect::<Vec<_>>())
    }

    fn values(column: &Column) -> PolarsResult<Vec<Self>> {
        column.str()?.iter().map(|value| present(column, value).map(str::to_owned)).collect()
    }
}

impl Field for Vec<String> {
    fn column<'a>(name: &str, values: impl ExactSizeIterator<Item = &'a Self>) -> Column {
        let mut builder = ListStringChunkedBuilder::new(name.into(), values.len(), values.len());
        values.for_each(|texts| builder.append_values_iter(texts.iter().map(String::as_str)));
        builder.finish().into_column()
    }

    fn values(column: &Column) -> PolarsResult<Vec<Self>> {
        let lists = column.list()?;
        (0..lists.len())
            .map(|row| {
                let texts = present(column, lists.get_as_series(row))?;
                texts.str()?.iter().map(|text| present(column, text).map(str::to_owned)).collect()
            })
            .collect()
    }
}

macro_rules! numbers {
    ($kind:ty, $polars:ty, $get:ident) => {
        impl Field for Vec<$kind> {
            fn column<'a>(name: &str, values: impl ExactSizeIterator<Item = &'a Self>) -> Column {
                let rows = values.len();
                let mut builder = ListPrimitiveChunkedBuilder::<$polars>::new(
                    name.into(),
                    rows,
                    rows,
                    <$polars>::get_static_dtype(),
                );
                values.for_each(|numbers| builder.append_slice(numbers));
                builder.finish().into_column()
            }

            fn values(column: &Column) -> PolarsResult<Vec<Self>> {
                let lists = column.list()?;
                (0..lists.len())
                    .map(|row| {
                        let numbers = present(column, lists.get_as_series(row))?;
                        numbers.$get()?.iter().map(|number| present(column, number)).collect()
                    })
                    .collect()
            }
        }
    };
}

numbers!(u32, UInt32Type, u32);
numbers!(f32, Float32Type, f32);

fn present<T>(column: &Column, value: Option<T>) -> PolarsResult<T> {
    value.ok_or_else(|| polars_err!(ComputeError: "column `{}` has an empty cell", column.name()))
}

#[cfg(test)]
mod tests;
