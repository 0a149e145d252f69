//! A table for machines: full precision, nothing rounded, an estimate as three columns.

use super::{Column, Table, Values};
use polars_core::prelude::{Column as Series, DataFrame, NamedFrom, PolarsResult, Series as Cells};
use polars_io::prelude::{CsvWriter, ParquetWriter, SerWriter};
use sapo_metrics::Estimate;

impl Table {
    /// The table as Parquet; the same table gives the same bytes.
    pub(super) fn parquet(&self) -> PolarsResult<Vec<u8>> {
        let mut bytes = Vec::new();
        ParquetWriter::new(&mut bytes).finish(&mut self.frame()?)?;
        Ok(bytes)
    }

    /// The table as CSV with a header; a missing value is an empty field.
    pub(super) fn csv(&self) -> PolarsResult<Vec<u8>> {
        let mut bytes = Vec::new();
        CsvWriter::new(&mut bytes).finish(&mut self.frame()?)?;
        Ok(bytes)
    }

    fn frame(&self) -> PolarsResult<DataFrame> {
        DataFrame::new(self.rows(), self.columns.iter().flat_map(series).collect())
    }
}

fn series(column: &Column) -> Vec<Series> {
    let names = column.machine_names();
    let cells: Vec<Cells> = match &column.values {
        Values::Text(values) => vec![Cells::new("".into(), values)],
        Values::Integer(values) => vec![Cells::new("".into(), values)],
        Values::Float(_, values) | Values::PValue(values) => vec![Cells::new("".into(), values)],
        Values::Estimate(_, values) => {
            let part = |pick: fn(&Estimate) -> f64| {
                let numbers: Vec<Option<f64>> = values.iter().map(|value| value.as_ref().map(pick)).collect();
                Cells::new("".into(), numbers)
            };
            vec![part(|e| e.mean), part(|e| e.low), part(|e| e.high)]
        }
    };
    names.into_iter().zip(cells).map(|(name, cells)| cells.with_name(name.into()).into()).collect()
}
