//! A Parquet table as `show.py` shows it.

use std::collections::HashSet;
use std::fs::File;
use std::path::Path;

use polars_core::prelude::{Column, DataType};
use polars_io::prelude::{ParquetReader, SerReader};

use super::error::NotebookError;
use super::number::general;

/// More rows are not shown.
const MOST_ROWS: usize = 200;

/// What a notebook shows of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet {
    /// Rows of the table.
    rows: usize,
    columns: Vec<Shown>,
}

/// A column of texts, as many as rows are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Shown {
    name: String,
    words: bool,
    cells: Vec<String>,
}

impl Sheet {
    /// Reads a table that [`Table::write_all`](crate::tables::Table::write_all) wrote.
    ///
    /// # Errors
    /// [`NotebookError`] where the file cannot be read or holds other columns than such tables do.
    pub fn read(path: &Path) -> Result<Self, NotebookError> {
        let file = File::open(path).map_err(NotebookError::io(path, "read"))?;
        let frame = ParquetReader::new(file).finish();
        let frame = frame.map_err(|source| NotebookError::Table { path: path.to_owned(), source })?;
        let names: HashSet<&str> = frame.columns().iter().map(|column| column.name().as_str()).collect();
        let estimate =
            |name: &str| ["_low", "_high"].iter().all(|end| names.contains(format!("{name}{end}").as_str()));
        let end = |name: &str| {
            let of = name.strip_suffix("_low").or_else(|| name.strip_suffix("_high"));
            of.is_some_and(|of| names.contains(of) && estimate(of))
        };
        let mut columns = Vec::new();
        for column in frame.columns() {
            let name = column.name().as_str();
            if end(name) {
                continue;
            }
            let mut cells = cells(path, column)?;
            if estimate(name) && *column.dtype() == DataType::Float64 {
                let part = |end: &str| {
                    let whole = frame.column(&format!("{name}{end}"));
                    whole.map_err(|source| NotebookError::Table { path: path.to_owned(), source })
                };
                let (low, high) = (self::cells(path, part("_low")?)?, self::cells(path, part("_high")?)?);
                for (cell, (low, high)) in cells.iter_mut().zip(low.into_iter().zip(high)) {
                    *cell = cell
                        .take()
                        .zip(low.zip(high))
                        .map(|(mean, (low, high))| format!("{mean} [{low}, {high}]"));
                }
            }
            let cells = cells.into_iter().map(|cell| cell.unwrap_or_else(|| "n/a".to_owned())).collect();
            columns.push(Shown { name: name.to_owned(), words: *column.dtype() == DataType::String, cells });
        }
        Ok(Self { rows: frame.height(), columns })
    }

    /// Aligned columns; no line's end at the end.
    #[must_use]
    pub fn to_plain(&self) -> String {
        let widths: Vec<usize> = self.columns.iter().map(Shown::width).collect();
        let mut lines: Vec<String> = Vec::new();
        for line in 0..=self.shown() {
            let cells = self.columns.iter().zip(&widths).map(|(column, &width)| {
                let cell = column.line(line);
                if column.words { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
            });
            lines.push(cells.collect::<Vec<_>>().join("  ").trim_end().to_owned());
        }
        lines.extend(self.note());
        lines.join("\n")
    }

    /// A table of HTML.
    #[must_use]
    pub fn to_html(&self) -> String {
        let row = |line: usize, tag: &str| {
            let cells = self.columns.iter().map(|column| {
                let side = if column.words { "left" } else { "right" };
                format!("<{tag} style=\"text-align: {side}\">{}</{tag}>", escaped(column.line(line)))
            });
            format!("<tr>{}</tr>\n", cells.collect::<String>())
        };
        let body: String = (1..=self.shown()).map(|line| row(line, "td")).collect();
        let note = self.note().map_or(String::new(), |note| format!("\n<p>{note}</p>"));
        let head = row(0, "th");
        format!("<table>\n<thead>\n{head}</thead>\n<tbody>\n{body}</tbody>\n</table>{note}")
    }

    fn shown(&self) -> usize {
        self.rows.min(MOST_ROWS)
    }

    fn note(&self) -> Option<String> {
        (self.rows > MOST_ROWS).then(|| format!("the first {MOST_ROWS} of {} rows", self.rows))
    }
}

impl Shown {
    /// Line 0 is the name.
    fn line(&self, line: usize) -> &str {
        line.checked_sub(1).map_or(self.name.as_str(), |row| self.cells[row].as_str())
    }

    fn width(&self) -> usize {
        (0..=self.cells.len()).map(|line| self.line(line).chars().count()).max().unwrap_or(0)
    }
}

/// The first values as texts; none where one is missing.
fn cells(path: &Path, column: &Column) -> Result<Vec<Option<String>>, NotebookError> {
    let read = |source| NotebookError::Table { path: path.to_owned(), source };
    let head = column.head(Some(MOST_ROWS));
    Ok(match column.dtype() {
        DataType::String => head.str().map_err(read)?.iter().map(|text| text.map(str::to_owned)).collect(),
        DataType::Int64 => {
            head.i64().map_err(read)?.iter().map(|number| number.map(|number| number.to_string())).collect()
        }
        DataType::Float64 => head.f64().map_err(read)?.iter().map(|number| number.map(general)).collect(),
        other => {
            let (path, column, got) = (path.to_owned(), column.name().to_string(), other.to_string());
            return Err(NotebookError::Column { path, column, got });
        }
    })
}

/// As Python's `html.escape`.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#x27;"),
            other => out.push(other),
        }
    }
    out
}
