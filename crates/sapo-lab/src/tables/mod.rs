//! Typed tables: built once from columns, written for machines (Parquet, CSV) and for readers (Markdown, LaTeX, text).
//!
//! A column knows what its values are, so that an estimate is three numbers to a machine and `71.8 [69.0, 74.1]` to a
//! reader. A missing value is an error, except in a column that was declared optional, where readers see `n/a`.
//!
//! ```no_run
//! # use sapo_lab::tables::Table;
//! # use sapo_metrics::Estimate;
//! # let (static_ap, sapo_ap) = (Estimate::single(70.0), Estimate::single(72.0));
//! let table = Table::builder("by_arm", "Average performance by arm, 8 seeds.")
//!     .text("arm", ["static", "sapo"])
//!     .integer("seeds", [8, 8])
//!     .estimate("ap", 1, [static_ap, sapo_ap]).heading("AP (ROUGE-L, ↑)")
//!     .optional_p_value("p", [None, Some(0.031)]).heading("p against static")
//!     .build()?;
//! println!("{table}");
//! table.write_all("runs/quickstart/tables")?;
//! # Ok::<(), sapo_lab::tables::TableError>(())
//! ```

mod build;
mod error;
mod latex;
mod machine;
mod markdown;
mod show;
mod text;
mod write;

#[cfg(test)]
mod tests;

pub use build::{TableBuilder, is_name};
pub use error::TableError;
pub use write::TableFiles;

use sapo_metrics::Estimate;

/// A checked table: at least one row, every column as long as the others, every number finite.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    name: String,
    caption: String,
    columns: Vec<Column>,
}

/// A named column.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Name for machines, in Parquet and CSV.
    pub name: String,
    /// Name for readers.
    pub heading: String,
    /// The values; `None` only where the column is optional.
    pub values: Values,
    /// Whether a value may be missing.
    pub optional: bool,
}

/// The values of a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Words.
    Text(Vec<Option<String>>),
    /// Counts.
    Integer(Vec<Option<i64>>),
    /// Numbers, shown with this many decimals.
    Float(usize, Vec<Option<f64>>),
    /// Numbers with their intervals, shown with this many decimals.
    Estimate(usize, Vec<Option<Estimate>>),
    /// Probabilities; small ones are shown as `< 0.001`.
    PValue(Vec<Option<f64>>),
}

impl Table {
    /// Begins a table. `name` becomes the file name; `caption` is one or two sentences for the reader.
    pub fn builder(name: impl Into<String>, caption: impl Into<String>) -> TableBuilder {
        TableBuilder::new(name.into(), caption.into())
    }

    /// Name of the table and of its files.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the reader should know about it.
    #[must_use]
    pub fn caption(&self) -> &str {
        &self.caption
    }

    /// The columns, in order.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, |column| column.values.len())
    }
}

impl Values {
    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Text(values) => values.len(),
            Self::Integer(values) => values.len(),
            Self::Float(_, values) | Self::PValue(values) => values.len(),
            Self::Estimate(_, values) => values.len(),
        }
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
