//! A store of as many finished cells as asked for, for measuring how lists of them scale: `many_cells RUNS COUNT`.
//!
//! Every cell has a manifest of its own, and the tables of one that was computed, of five tasks.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use sapo_lab::manifest::{Manifest, VERSION};
use sapo_lab::provenance::{Code, Stopwatch};
use sapo_lab::record::Score;
use sapo_lab::store::Claim;
use sapo_lab::{CellSpec, RunRecord, Store};
use serde_json::json;

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let root = PathBuf::from(args.next().context("expected a folder")?);
    let count: u64 = args.next().context("expected a number of cells")?.parse()?;
    let store = Store::open(&root, "many")?;
    store.sweep()?;
    let cell = |seed: u64| {
        CellSpec::new(json!({"arm": format!("arm-{}", seed % 8), "seed": seed / 8}), &["arm", "seed"])
    };
    let code = Code::detect();
    let mut template = cell(0)?;
    for seed in 0..count {
        let cell = cell(seed)?;
        // a file has only so many names
        if seed % 20_000 == 0 {
            template = cell.clone();
            if let Claim::Granted(staging) = store.claim(&template)? {
                staging.commit(&record(), Stopwatch::start(code.clone()).stop(BTreeMap::new()))?;
            }
            continue;
        }
        let manifest = store.manifest(&template.id())?;
        let folder = store.cell_folder(&cell.id());
        fs::create_dir_all(&folder)?;
        for name in manifest.files.keys() {
            fs::hard_link(store.cell_folder(&template.id()).join(name), folder.join(name))?;
        }
        let manifest = Manifest { version: VERSION, id: cell.id(), cell, ..manifest.clone() };
        fs::write(folder.join("manifest.json"), manifest.to_text()?)?;
    }
    Ok(())
}

fn record() -> RunRecord {
    let score = |step: u32, task: u32| Score {
        step,
        task,
        task_name: format!("task-{task}"),
        metric: "rouge_l".into(),
        value: f64::from(step * 10 + task),
        examples: 50,
    };
    let scores = (0..=5).flat_map(|step| (1..=5).map(move |task| score(step, task))).collect();
    RunRecord { scores, ..RunRecord::default() }
}
