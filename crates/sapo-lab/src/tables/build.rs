//! From lists to a checked table.

use super::{Column, Table, TableError, Values};
use sapo_metrics::Estimate;
use std::collections::BTreeSet;

/// Collects columns; nothing is checked before [`TableBuilder::build`].
#[derive(Debug, Clone)]
#[must_use = "a table comes out of `build`"]
pub struct TableBuilder {
    name: String,
    caption: String,
    columns: Vec<Column>,
}

impl TableBuilder {
    pub(super) fn new(name: String, caption: String) -> Self {
        Self { name, caption, columns: Vec::new() }
    }

    /// A column of words.
    pub fn text<T: Into<String>>(self, name: &str, values: impl IntoIterator<Item = T>) -> Self {
        let values = values.into_iter().map(|value| Some(value.into())).collect();
        self.column(name, false, Values::Text(values))
    }

    /// A column of counts.
    pub fn integer(self, name: &str, values: impl IntoIterator<Item = i64>) -> Self {
        self.column(name, false, Values::Integer(values.into_iter().map(Some).collect()))
    }

    /// A column of numbers, shown with `decimals`.
    pub fn float(self, name: &str, decimals: usize, values: impl IntoIterator<Item = f64>) -> Self {
        self.column(name, false, Values::Float(decimals, values.into_iter().map(Some).collect()))
    }

    /// A column of numbers with their intervals, shown with `decimals`.
    pub fn estimate(self, name: &str, decimals: usize, values: impl IntoIterator<Item = Estimate>) -> Self {
        self.column(name, false, Values::Estimate(decimals, values.into_iter().map(Some).collect()))
    }

    /// A column of p-values.
    pub fn p_value(self, name: &str, values: impl IntoIterator<Item = f64>) -> Self {
        self.column(name, false, Values::PValue(values.into_iter().map(Some).collect()))
    }

    /// A column of words, some missing.
    pub fn optional_text<T: Into<String>>(
        self,
        name: &str,
        values: impl IntoIterator<Item = Option<T>>,
    ) -> Self {
        let values = values.into_iter().map(|value| value.map(Into::into)).collect();
        self.column(name, true, Values::Text(values))
    }

    /// A column of counts, some missing.
    pub fn optional_integer(self, name: &str, values: impl IntoIterator<Item = Option<i64>>) -> Self {
        self.column(name, true, Values::Integer(values.into_iter().collect()))
    }

    /// A column of numbers, some missing.
    pub fn optional_float(
        self,
        name: &str,
        decimals: usize,
        values: impl IntoIterator<Item = Option<f64>>,
    ) -> Self {
        self.column(name, true, Values::Float(decimals, values.into_iter().collect()))
    }

    /// A column of numbers with their intervals, some missing.
    pub fn optional_estimate(
        self,
        name: &str,
        decimals: usize,
        values: impl IntoIterator<Item = Option<Estimate>>,
    ) -> Self {
        self.column(name, true, Values::Estimate(decimals, values.into_iter().collect()))
    }

    /// A column of p-values, some missing: the arm that the others are compared with has none.
    pub fn optional_p_value(self, name: &str, values: impl IntoIterator<Item = Option<f64>>) -> Self {
        self.column(name, true, Values::PValue(values.into_iter().collect()))
    }

    /// What readers see above the last column, with unit and direction: `AP (ROUGE-L, ↑)`.
    pub fn heading(mut self, heading: impl Into<String>) -> Self {
        if let Some(column) = self.columns.last_mut() {
            column.heading = heading.into();
        }
        self
    }

    /// Any column, for code that computes its kind.
    pub fn column(mut self, name: &str, optional: bool, values: Values) -> Self {
        self.columns.push(Column { name: name.to_string(), heading: name.to_string(), values, optional });
        self
    }

    /// The table, if it is one.
    ///
    /// # Errors
    /// [`TableError`] where a name is none or occurs twice, there is no column or row, lengths differ, a value is
    /// missing from a column that is not optional, a number is not finite, the ends of an interval do not enclose its
    /// mean, or a p-value is outside of 0 to 1.
    pub fn build(self) -> Result<Table, TableError> {
        let table = Table { name: self.name, caption: self.caption, columns: self.columns };
        let empty = |what| TableError::Empty { table: table.name.clone(), what };
        check_name(&table.name, &table.name)?;
        let first = table.columns.first().ok_or_else(|| empty("columns"))?;
        if first.values.is_empty() {
            return Err(empty("rows"));
        }
        let mut names = BTreeSet::new();
        for column in &table.columns {
            check_column(&table, column)?;
            for name in column.machine_names() {
                check_name(&table.name, &name)?;
                if !names.insert(name.clone()) {
                    return Err(TableError::Duplicate { table: table.name, column: name });
                }
            }
        }
        Ok(table)
    }
}

impl Column {
    /// The names of the columns that machines see: three for an estimate.
    pub(super) fn machine_names(&self) -> Vec<String> {
        match self.values {
            Values::Estimate(..) => {
                let part = |suffix: &str| format!("{}{suffix}", self.name);
                vec![self.name.clone(), part("_low"), part("_high")]
            }
            _ => vec![self.name.clone()],
        }
    }
}

/// Whether a text can name a table or a column: letters, digits, `_`, `-` or `.`, not first a `.`.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let letter = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    !text.is_empty() && !text.starts_with('.') && text.chars().all(letter)
}

fn check_name(table: &str, name: &str) -> Result<(), TableError> {
    if is_name(name) {
        return Ok(());
    }
    Err(TableError::Name { table: table.to_string(), got: name.to_string() })
}

fn check_column(table: &Table, column: &Column) -> Result<(), TableError> {
    let (expected, got) = (table.rows(), column.values.len());
    if got != expected {
        let (table, column) = (table.name.clone(), column.name.clone());
        return Err(TableError::Length { table, column, expected, got });
    }
    let refused = match &column.values {
        Values::Text(values) => first_refused(values, column.optional, "a text", |_| true),
        Values::Integer(values) => first_refused(values, column.optional, "an integer", |_| true),
        Values::Float(_, values) => {
            first_refused(values, column.optional, "a finite number", |value| value.is_finite())
        }
        Values::Estimate(_, values) => {
            first_refused(values, column.optional, "finite low <= mean <= high", is_interval)
        }
        Values::PValue(values) => {
            first_refused(values, column.optional, "a number from 0 to 1", |p| (0.0..=1.0).contains(p))
        }
    };
    match refused {
        None => Ok(()),
        Some((row, expected, got)) => {
            let (table, column) = (table.name.clone(), column.name.clone());
            Err(TableError::Value { table, column, row, expected, got })
        }
    }
}

/// Row, expectation and value of the first value that the column does not take.
fn first_refused<T: std::fmt::Debug>(
    values: &[Option<T>],
    optional: bool,
    expected: &'static str,
    accept: impl Fn(&T) -> bool,
) -> Option<(usize, &'static str, String)> {
    values.iter().enumerate().find_map(|(row, value)| match value {
        Some(value) if accept(value) => None,
        Some(value) => Some((row, expected, format!("{value:?}"))),
        None if optional => None,
        None => Some((row, expected, "nothing".to_string())),
    })
}

fn is_interval(estimate: &Estimate) -> bool {
    let Estimate { mean, low, high, .. } = *estimate;
    // A resampled mean of equal values may differ from their mean in the last digit.
    let slack = 1e-9 * mean.abs().max(1.0);
    [mean, low, high].iter().all(|value| value.is_finite()) && low <= mean + slack && mean <= high + slack
}
