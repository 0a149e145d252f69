//! The resolved configurations of all cells: what they share is told once, what tells them apart as axes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::cell::Cell;
use crate::experiment::Axis;
use crate::flat::flat;

/// The axis along which runs are repeated, and over which means are taken.
pub(super) const SEED: &str = "seed";

/// More values of one setting than a reader wants to see at once.
const MOST_VALUES: usize = 12;

/// Settings for the reader.
#[derive(Debug)]
pub(super) struct Settings {
    /// What is the same in all cells: keys joined by dots, and the value.
    pub(super) same: Vec<(String, String)>,
    /// What tells cells apart.
    pub(super) differing: Vec<Differing>,
}

/// A setting with several values.
#[derive(Debug)]
pub(super) struct Differing {
    pub(super) name: String,
    /// Whether it is an axis of the tables.
    pub(super) axis: bool,
    /// The first values.
    pub(super) values: Vec<String>,
    /// How many more there are.
    pub(super) more: usize,
}

/// A configuration as one list, values as texts.
pub(super) fn texts(config: &Value) -> BTreeMap<String, String> {
    let text = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    flat(config).into_iter().map(|(key, value)| (key, text(value))).collect()
}

/// Names of the axes of the tables: those of the cells, then what else is needed to tell apart cells that agree in them
/// (a store may hold several grids: limited runs, or settings that were changed).
pub(super) fn axes(cells: &[Cell]) -> Vec<String> {
    let own = cells.iter().map(|cell| {
        cell.own_axes.iter().map(|(axis, value)| (axis.as_str(), value.clone())).collect::<Vec<_>>()
    });
    let mut axes: Vec<String> = crate::experiment::axes(own).into_iter().map(|axis| axis.name).collect();
    let values = values_by_key(cells);
    let mut candidates: Vec<&String> =
        values.keys().filter(|key| values[*key].len() > 1 && !axes.contains(key)).collect();
    // A switch says more than a hash: what has few values comes first.
    candidates.sort_by_key(|key| (values[*key].len(), *key));
    let mut classes = vec![(0..cells.len()).collect::<Vec<_>>()];
    classes = classes.iter().flat_map(|class| split(class, |cell| Some(&cells[cell].label))).collect();
    for key in candidates {
        if classes.iter().all(|class| class.len() == 1) {
            break;
        }
        let finer: Vec<Vec<usize>> =
            classes.iter().flat_map(|class| split(class, |cell| cells[cell].config.get(key))).collect();
        if finer.len() > classes.len() {
            classes = finer;
            axes.push(key.clone());
        }
    }
    axes
}

/// The members of a class by what they agree in.
fn split<T: Ord>(class: &[usize], value: impl Fn(usize) -> T) -> Vec<Vec<usize>> {
    let mut parts: BTreeMap<T, Vec<usize>> = BTreeMap::new();
    for &member in class {
        parts.entry(value(member)).or_default().push(member);
    }
    parts.into_values().collect()
}

/// Every setting with its values; `None` where a cell does not have it.
fn values_by_key(cells: &[Cell]) -> BTreeMap<String, BTreeSet<Option<&String>>> {
    let keys: BTreeSet<&String> = cells.iter().flat_map(|cell| cell.config.keys()).collect();
    let values = |key: &String| cells.iter().map(|cell| cell.config.get(key)).collect();
    keys.into_iter().map(|key| (key.clone(), values(key))).collect()
}

/// What a cell has there, for the reader.
pub(super) fn value(cell: &Cell, key: &str) -> String {
    cell.config.get(key).cloned().unwrap_or_else(|| "none".to_owned())
}

/// The settings of all cells, and each cell's own values of what differs, put into the cells.
pub(super) fn settings(cells: &mut [Cell], axes: &[String]) -> Settings {
    let values = values_by_key(cells);
    let mut same = Vec::new();
    let mut differing = Vec::new();
    for (key, values) in &values {
        match values.iter().next() {
            Some(Some(value)) if values.len() == 1 && !axes.contains(key) => {
                same.push((key.clone(), (*value).clone()));
            }
            _ => differing.push(key.clone()),
        }
    }
    // the axes in their own order, then the others
    let others: Vec<String> = differing.into_iter().filter(|key| !axes.contains(key)).collect();
    let told = axes.iter().chain(&others).map(|key| {
        let pairs = cells.iter().map(|cell| vec![(key.as_str(), value(cell, key))]);
        let values = crate::experiment::axes(pairs).pop().map_or(Vec::new(), |Axis { values, .. }| values);
        let more = values.len().saturating_sub(MOST_VALUES);
        let values = values.into_iter().take(MOST_VALUES).collect();
        Differing { name: key.clone(), axis: axes.contains(key), values, more }
    });
    let differing = told.collect();
    for cell in cells {
        cell.axes = axes.iter().map(|axis| value(cell, axis)).collect();
        cell.differing = others.iter().map(|key| (key.clone(), value(cell, key))).collect();
    }
    Settings { same, differing }
}
