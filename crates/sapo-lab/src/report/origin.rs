//! What made the runs: code, machines, times, and how many runs each value holds for.

use std::collections::BTreeMap;

use serde_json::Value;

use super::cell::Cell;
use crate::provenance::{Machine, Provenance};

/// More values of one fact than a reader wants to see at once.
const MOST_VALUES: usize = 6;

/// One fact about how runs came to be.
#[derive(Debug)]
pub(super) struct Fact {
    pub(super) name: String,
    /// The most frequent values, each with its number of runs.
    pub(super) values: Vec<(String, usize)>,
    /// How many more values there are.
    pub(super) more: usize,
}

/// When the runs were made.
#[derive(Debug)]
pub(super) struct Times {
    /// When the first was begun (RFC 3339, UTC).
    pub(super) first: String,
    /// When the last was finished.
    pub(super) last: String,
    /// Hours of all runs together.
    pub(super) hours: f64,
}

/// Every fact, those of the code first.
pub(super) fn facts(cells: &[Cell]) -> Vec<Fact> {
    let mut facts: Vec<(String, BTreeMap<String, usize>)> = Vec::new();
    for cell in cells {
        for (name, value) in told(&cell.provenance) {
            let place = facts.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
                facts.push((name, BTreeMap::new()));
                facts.len() - 1
            });
            *facts[place].1.entry(value).or_default() += 1;
        }
    }
    let fact = |(name, counts): (String, BTreeMap<String, usize>)| {
        let mut values: Vec<(String, usize)> = counts.into_iter().collect();
        values.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let more = values.len().saturating_sub(MOST_VALUES);
        values.truncate(MOST_VALUES);
        Fact { name, values, more }
    };
    facts.into_iter().map(fact).collect()
}

/// The span of all runs; none without runs.
pub(super) fn times(cells: &[Cell]) -> Option<Times> {
    // RFC 3339 in UTC sorts as text.
    let first = cells.iter().map(|cell| &cell.provenance.started).min()?;
    let last = cells.iter().map(|cell| &cell.provenance.finished).max()?;
    let hours = cells.iter().map(|cell| cell.seconds).sum::<f64>() / 3600.0;
    Some(Times { first: first.clone(), last: last.clone(), hours })
}

fn told(provenance: &Provenance) -> Vec<(String, String)> {
    let Provenance { code, machine, notes, .. } = provenance;
    let commit = match (&code.commit, code.dirty) {
        (None, _) => "unknown".to_owned(),
        (Some(commit), Some(true)) => format!("{commit}, with changes that were not committed"),
        (Some(commit), Some(false)) => commit.clone(),
        (Some(commit), None) => format!("{commit}, unknown whether with changes"),
    };
    let Machine { os, cpu, cores, memory_bytes } = machine;
    let memory = memory_bytes.map(|bytes| format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30)));
    let unknown = || "unknown".to_owned();
    let mut told = vec![
        ("program version".to_owned(), code.version.clone()),
        ("commit".to_owned(), commit),
        ("compiler".to_owned(), code.rustc.clone()),
        ("operating system".to_owned(), os.clone()),
        ("processor".to_owned(), cpu.clone().unwrap_or_else(unknown)),
        ("cores".to_owned(), cores.to_string()),
        ("memory".to_owned(), memory.unwrap_or_else(unknown)),
    ];
    told.extend(notes.iter().map(|(name, value)| (name.replace('_', " "), shown(value))));
    told
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
