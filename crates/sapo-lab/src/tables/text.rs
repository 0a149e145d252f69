//! A table for the terminal.

use super::{Column, Table};
use std::fmt;
use unicode_width::UnicodeWidthStr;

/// Aligned columns under their headings, without the caption.
impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns: Vec<Vec<String>> = self.columns.iter().map(aligned).collect();
        // The heading, the rule below it, and the rows.
        for line in 0..self.rows() + 2 {
            let cells: Vec<&str> = columns.iter().map(|column| column[line].as_str()).collect();
            writeln!(f, "{}", cells.join("  ").trim_end())?;
        }
        Ok(())
    }
}

/// Heading, rule and cells of a column, all of one width.
fn aligned(column: &Column) -> Vec<String> {
    let cells = (0..column.values.len()).map(|row| column.shown(row));
    let mut lines: Vec<String> = std::iter::once(column.heading.clone()).chain(cells).map(one_line).collect();
    let width = lines.iter().map(|line| line.width()).max().unwrap_or(0);
    for line in &mut lines {
        // `format!` counts characters, but a Chinese one takes two places.
        let pad = " ".repeat(width - line.width());
        *line = if column.is_words() { format!("{line}{pad}") } else { format!("{pad}{line}") };
    }
    lines.insert(1, "─".repeat(width));
    lines
}

/// Line breaks and tabs as single spaces: a cell is one line, or the columns would fall apart.
pub(super) fn one_line(cell: String) -> String {
    if cell.contains(char::is_control) { cell.split_whitespace().collect::<Vec<_>>().join(" ") } else { cell }
}
