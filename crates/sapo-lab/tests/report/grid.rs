//! A small grid with all that a page can show, made without computing anything.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sapo_lab::cell::CellSpec;
use sapo_lab::experiment::Description;
use sapo_lab::provenance::{Code, Stopwatch};
use sapo_lab::record::{Prediction, RunRecord, Score, TrainingStep, Usage, VariantLoss};
use sapo_lab::store::{Claim, Store};
use serde_json::{Value, json};
use tempfile::TempDir;

/// What a model may answer, and a careless page would run.
pub(crate) const HOSTILE: &str = "</script><script>alert(1)</script><!--<img src=x onerror=alert(2)>";

pub(crate) const QUESTION: &str = "Does <b>the wording</b> matter?";

const TASKS: [&str; 3] =
    ["dates", "<i>colours</i>", "a-task-with-a-name-that-is-longer-than-a-phone-is-wide"];

/// An experiment's store in a folder of its own.
pub(crate) struct Lab {
    pub(crate) root: TempDir,
    pub(crate) store: Store,
}

impl Lab {
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(root.path(), "toy").unwrap();
        store.sweep().unwrap();
        Self { root, store }
    }

    /// All cells of two arms and these seeds, and what the experiment says of them.
    pub(crate) fn with_grid(seeds: u64) -> Self {
        let lab = Self::new();
        let cells = grid(seeds);
        lab.describe(&cells);
        cells.iter().for_each(|cell| lab.store(cell));
        lab
    }

    pub(crate) fn describe(&self, cells: &[CellSpec]) {
        Description::new("toy", QUESTION, cells).write(self.store.folder()).unwrap();
    }

    pub(crate) fn store(&self, cell: &CellSpec) {
        self.store_record(cell, &record(cell));
    }

    pub(crate) fn store_record(&self, cell: &CellSpec, record: &RunRecord) {
        let Claim::Granted(staging) = self.store.claim(cell).unwrap() else { panic!("the cell is new") };
        let notes = BTreeMap::from([("device".to_owned(), json!("cpu & <more>"))]);
        staging.commit(record, Stopwatch::start(Code::detect()).stop(notes)).unwrap();
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.store.folder().to_owned()
    }

    pub(crate) fn cell_folder(&self, cell: &CellSpec) -> PathBuf {
        self.store.cell_folder(&cell.id())
    }

    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }
}

pub(crate) fn grid(seeds: u64) -> Vec<CellSpec> {
    (0..seeds).flat_map(|seed| ["static", "sapo"].map(|arm| cell(arm, seed, &json!({})))).collect()
}

/// A cell whose configuration has `more` keys.
pub(crate) fn cell(arm: &str, seed: u64, more: &Value) -> CellSpec {
    let mut config = json!({
        "arm": arm,
        "seed": seed,
        "data_sha256": format!("data of seed {seed}"),
        "train": {"epochs": 4, "note": "<u>as it is</u>"},
    });
    for (key, value) in more.as_object().unwrap() {
        config[key] = value.clone();
    }
    CellSpec::new(config, &["arm", "seed"]).unwrap()
}

/// R[step, task] of a run: low before the task is trained, high just after, and 10 lower after each further one.
pub(crate) fn score(arm: &str, seed: u64, step: u32, task: u32) -> f64 {
    let gain = if arm == "sapo" { 5.0 } else { 0.0 } + seed as f64;
    if step < task { 20.0 + gain } else { 90.0 + gain - 10.0 * f64::from(step - task) }
}

pub(crate) fn record(cell: &CellSpec) -> RunRecord {
    let (arm, seed) = (cell.axis("arm").unwrap(), cell.axis("seed").unwrap().parse().unwrap());
    let mut record = RunRecord::default();
    for (task, name) in (1..).zip(TASKS) {
        for step in 0..=3 {
            for (metric, value) in
                [("rouge_l", score(&arm, seed, step, task)), ("exact_match", f64::from(10 * step))]
            {
                let metric = metric.to_owned();
                record.scores.push(Score { step, task, task_name: name.into(), metric, value, examples: 2 });
            }
            record.predictions.extend((0..2).map(|index| Prediction {
                step,
                task,
                index,
                prediction: if step >= task { "1 May".into() } else { HOSTILE.into() },
                references: vec!["1 May".into()],
            }));
            record.usage.push(Usage { step, phase: "evaluate".into(), seconds: 0.5, forward_tokens: 1_000 });
        }
        for (place, variant) in (0_u32..).zip(["original", "bank-1", "bank-2"]) {
            record.variant_losses.push(VariantLoss {
                step: task,
                task_name: name.into(),
                variant: variant.into(),
                text: format!("Say when it was, {variant}: {HOSTILE}"),
                loss: (arm == "sapo").then(|| 1.5 - 0.25 * f64::from(place)),
                examples: 32,
                chosen: variant == if arm == "sapo" { "bank-2" } else { "original" },
            });
        }
        record.training.extend((1..=70).map(|optimiser_step| TrainingStep {
            step: task,
            optimiser_step,
            loss: 2.0 / f64::from(optimiser_step),
            term: Some(0.0),
            learning_rate: 1e-3,
            wording: "bank-2".into(),
        }));
    }
    record
}
