//! What differs between two stored runs.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::flat::flat;
use crate::store::StoredRun;

/// One thing that two runs have otherwise; absent where a run does not have it at all.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// What it is: `train.learning_rate`, `code.commit`, `2 mood`, `rouge_l 2 mood`.
    pub what: String,
    /// In the first run.
    pub a: Option<Value>,
    /// In the second.
    pub b: Option<Value>,
}

/// All that differs between two runs, by kind.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Differences {
    /// Settings, keys joined by dots.
    pub settings: Vec<Difference>,
    /// What made them: code, machine, notes. Times are not among it.
    pub provenance: Vec<Difference>,
    /// Wordings that were chosen, by step and task.
    pub prompts: Vec<Difference>,
    /// Scores, by metric, step and task.
    pub scores: Vec<Difference>,
    /// Rows of training with another loss, of how many that both have.
    pub training: (usize, usize),
}

impl Differences {
    /// Whether the runs are the same in all of it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.settings.is_empty()
            && self.provenance.is_empty()
            && self.prompts.is_empty()
            && self.scores.is_empty()
            && self.training.0 == 0
    }
}

/// Compares two runs.
#[must_use]
pub fn diff(a: &StoredRun, b: &StoredRun) -> Differences {
    let provenance = |run: &StoredRun| {
        let value = serde_json::json!({
            "code": run.provenance.code, "machine": run.provenance.machine, "notes": run.provenance.notes,
        });
        flat(&value)
    };
    let prompts = |run: &StoredRun| -> BTreeMap<String, Value> {
        run.record
            .chosen()
            .map(|row| (format!("{} {}", row.step, row.task_name), row.text.as_str().into()))
            .collect()
    };
    let scores = |run: &StoredRun| -> BTreeMap<String, Value> {
        let name = |score: &crate::record::Score| {
            format!("{} after {}: {} {}", score.metric, score.step, score.task, score.task_name)
        };
        run.record.scores.iter().map(|score| (name(score), score.value.into())).collect()
    };
    let training = |run: &StoredRun| -> BTreeMap<(u32, u32), f64> {
        run.record.training.iter().map(|row| ((row.step, row.optimiser_step), row.loss)).collect()
    };
    let (first, second) = (training(a), training(b));
    let both: Vec<(f64, f64)> =
        first.iter().filter_map(|(step, loss)| Some((*loss, *second.get(step)?))).collect();
    Differences {
        settings: between(&flat(a.cell.config()), &flat(b.cell.config())),
        provenance: between(&provenance(a), &provenance(b)),
        prompts: between(&prompts(a), &prompts(b)),
        scores: between(&scores(a), &scores(b)),
        training: (both.iter().filter(|(a, b)| a.to_bits() != b.to_bits()).count(), both.len()),
    }
}

fn between(a: &BTreeMap<String, Value>, b: &BTreeMap<String, Value>) -> Vec<Difference> {
    let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    keys.into_iter()
        .filter(|key| a.get(*key) != b.get(*key))
        .map(|key| Difference { what: key.clone(), a: a.get(key).cloned(), b: b.get(key).cloned() })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_differs_is_named_by_its_keys() {
        let a = flat(&json!({"train": {"epochs": 3, "lists": [1, 2]}, "seed": 1}));
        let b = flat(&json!({"train": {"epochs": 4, "lists": [1, 2]}, "method": {"name": "ewc"}, "seed": 1}));
        let found: Vec<(String, Option<Value>, Option<Value>)> =
            between(&a, &b).into_iter().map(|d| (d.what, d.a, d.b)).collect();
        let epochs = ("train.epochs".to_owned(), Some(json!(3)), Some(json!(4)));
        assert_eq!(found, [("method.name".to_owned(), None, Some(json!("ewc"))), epochs]);
    }
}
