//! What `--list` prints.

use std::fmt::Write;

use itertools::Itertools;
use serde_json::{Value, json};

use crate::cell::CellSpec;

/// The question of an experiment and the axes of its grid.
#[must_use]
pub(crate) fn question(name: &str, question: &str, cells: &[CellSpec]) -> String {
    let axes = axes(cells);
    let width = axes.iter().map(|(axis, _)| axis.len()).max().unwrap_or(0);
    let mut text = format!("{name}: {question}\n");
    for (axis, values) in &axes {
        let _ = writeln!(text, "  {axis:width$}  {}", values.join(", "));
    }
    let _ = writeln!(text, "  {} cells", cells.len());
    text
}

/// The same as one object.
#[must_use]
pub(crate) fn question_json(name: &str, question: &str, cells: &[CellSpec]) -> Value {
    let axis = |(name, values)| json!({"name": name, "values": values});
    let axes: Vec<Value> = axes(cells).into_iter().map(axis).collect();
    json!({"name": name, "question": question, "axes": axes, "cells": cells.len()})
}

/// Every axis with its values, in the order of the grid.
fn axes(cells: &[CellSpec]) -> Vec<(&str, Vec<String>)> {
    let names = cells.first().map(CellSpec::axes).unwrap_or_default();
    let values_of = |axis: &str| cells.iter().filter_map(|cell| cell.axis(axis)).unique().collect();
    names.into_iter().map(|(axis, _)| (axis, values_of(axis))).collect()
}

/// Rows of columns that stand below each other.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
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
