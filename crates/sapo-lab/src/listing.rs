//! What `--list` and `--dry-run` print.

use std::fmt::Write;

use crate::cell::CellSpec;
use crate::store::{Store, StoreError};

/// The question of an experiment and the axes of its grid.
#[must_use]
pub(crate) fn question(name: &str, question: &str, cells: &[CellSpec]) -> String {
    let axes = cells.first().map(CellSpec::axes).unwrap_or_default();
    let width = axes.iter().map(|(axis, _)| axis.len()).max().unwrap_or(0);
    let mut text = format!("{name}: {question}\n");
    for (axis, _) in &axes {
        let mut values: Vec<String> = Vec::new();
        for value in cells.iter().filter_map(|cell| cell.axis(axis)) {
            if !values.contains(&value) {
                values.push(value);
            }
        }
        let _ = writeln!(text, "  {axis:width$}  {}", values.join(", "));
    }
    let _ = writeln!(text, "  {} cells", cells.len());
    text
}

/// A table of cells with their state in the store.
///
/// # Errors
/// Where a lock cannot be read.
pub(crate) fn cells(store: &Store, cells: &[&CellSpec]) -> Result<String, StoreError> {
    let mut rows = Vec::new();
    let mut counts = [0; 3];
    for cell in cells {
        let id = cell.id();
        let (place, state) = if store.contains(&id) {
            (0, "stored".to_owned())
        } else if let Some(holder) = store.holder(&id)? {
            (1, format!("running: {holder}"))
        } else {
            (2, "to compute".to_owned())
        };
        counts[place] += 1;
        let mut row = vec![id.to_string()];
        row.extend(cell.axes().into_iter().map(|(_, value)| value));
        row.push(state);
        rows.push(row);
    }
    let mut header = vec!["cell".to_owned()];
    header.extend(
        cells.first().map(|cell| cell.axes()).unwrap_or_default().into_iter().map(|(axis, _)| axis.into()),
    );
    header.push("state".to_owned());
    rows.insert(0, header);
    let [stored, running, open] = counts;
    Ok(format!(
        "{}{} cells: {stored} stored, {running} running, {open} to compute\n",
        table(&rows),
        cells.len()
    ))
}

fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let cells: Vec<_> = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}")).collect();
        let _ = writeln!(text, "{}", cells.join("  ").trim_end());
    }
    text
}
