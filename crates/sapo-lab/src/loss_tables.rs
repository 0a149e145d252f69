//! Recorded losses of every wording on every example, as Parquet: what the selectors are compared on.
//!
//! One row a wording of a table; a table is one task under one state of a model. Ids and numbers only: neither wordings
//! nor examples stand in the file.

use std::path::Path;

use crate::parquet::{Field, ParquetError, Row, read_rows, row, write_rows};

/// One wording's losses on the examples of its table, all in the same order.
#[derive(Debug, Clone, PartialEq)]
pub struct LossRow {
    /// Id of the table, for example `nano/dev-g/2/plural`: model, stream, tasks trained so far, task.
    pub table: String,
    /// Name of the model.
    pub model: String,
    /// Name of the stream that it was trained along.
    pub stream: String,
    /// Number of tasks trained before the recording; 0 is the untouched model.
    pub state: u32,
    /// Name of the task that the losses are of.
    pub task: String,
    /// Id of the wording within its pool; `original` is arm 0.
    pub variant: String,
    /// Words of the wording.
    pub words: u32,
    /// Tokens that all texts of the wording begin with; they go through the model once.
    pub prefix_tokens: u32,
    /// Other tokens of each example's text.
    pub own_tokens: Vec<u32>,
    /// Target tokens of each example; the same in all rows of a table.
    pub target_tokens: Vec<u32>,
    /// Minus the log-probability of each example's target, in nats summed over its tokens.
    pub nll: Vec<f32>,
}

row!(
    LossRow,
    table: String, model: String, stream: String, state: u32, task: String, variant: String, words: u32,
    prefix_tokens: u32, own_tokens: Vec<u32>, target_tokens: Vec<u32>, nll: Vec<f32>
);

/// Writes the rows of any number of tables.
///
/// # Errors
/// [`ParquetError`] with the path.
pub fn write(path: &Path, rows: &[LossRow]) -> Result<(), ParquetError> {
    write_rows(path, rows)
}

/// Reads the rows in the order in which they were written.
///
/// # Errors
/// [`ParquetError`] with the path: the file is missing, or is not the table that it should be.
pub fn read(path: &Path) -> Result<Vec<LossRow>, ParquetError> {
    read_rows(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn rows() -> impl Strategy<Value = Vec<LossRow>> {
        let texts = vec("\\PC{0,12}", 5);
        let lists = (vec(any::<u32>(), 0..5), vec(any::<u32>(), 0..5), vec(-1e30..1e30_f32, 0..5));
        let row = (texts, any::<[u32; 3]>(), lists).prop_map(|(texts, numbers, lists)| {
            let [table, model, stream, task, variant] = texts.try_into().unwrap();
            let [state, words, prefix_tokens] = numbers;
            let (own_tokens, target_tokens, nll) = lists;
            LossRow {
                table,
                model,
                stream,
                state,
                task,
                variant,
                words,
                prefix_tokens,
                own_tokens,
                target_tokens,
                nll,
            }
        });
        vec(row, 0..4)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_is_written_is_read(rows in rows()) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("tables.parquet");
            write(&path, &rows).unwrap();
            prop_assert_eq!(read(&path).unwrap(), rows);
        }
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = read(Path::new("no/such/tables.parquet")).unwrap_err().to_string();
        assert!(error.contains("cannot open no/such/tables.parquet"), "{error}");
    }
}
