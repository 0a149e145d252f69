//! The store keeps what it is given, whole, and says what is wrong with what it finds.

#![allow(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use sapo_lab::cell::CellSpec;
use sapo_lab::provenance::{Code, Program, Provenance, Stopwatch};
use sapo_lab::record::{Prediction, RunRecord, Score};
use sapo_lab::store::{Claim, Staging, Store, StoreError};
use serde_json::json;
use tempfile::TempDir;

fn store() -> (TempDir, Store) {
    let root = tempfile::tempdir().unwrap();
    let store = Store::open(root.path(), "toy").unwrap();
    store.sweep().unwrap();
    (root, store)
}

fn cell(seed: u64) -> CellSpec {
    CellSpec::new(json!({"arm": "sapo", "seed": seed}), &["arm", "seed"]).unwrap()
}

fn record() -> RunRecord {
    let score = |step, value| Score {
        step,
        task: 1,
        task_name: "dates".into(),
        metric: "rouge_l".into(),
        value,
        examples: 2,
    };
    let prediction = |index, text: &str| Prediction {
        step: 1,
        task: 1,
        index,
        prediction: text.into(),
        references: vec!["über".into(), String::new()],
    };
    RunRecord {
        scores: vec![score(0, 12.5), score(1, 100.0 / 3.0)],
        predictions: vec![prediction(0, "über"), prediction(1, "")],
        ..RunRecord::default()
    }
}

fn provenance() -> Provenance {
    Stopwatch::start(Code::detect()).stop(BTreeMap::from([("device".to_owned(), json!("cpu"))]))
}

fn granted(store: &Store, cell: &CellSpec) -> Staging {
    match store.claim(cell).unwrap() {
        Claim::Granted(staging) => *staging,
        other => panic!("expected the cell to be granted, got {other:?}"),
    }
}

fn stored() -> (TempDir, Store, PathBuf) {
    let (root, store) = store();
    let staging = granted(&store, &cell(3));
    fs::create_dir(staging.artifacts().join("adapter")).unwrap();
    fs::write(staging.artifacts().join("adapter/weights.bin"), [7; 100]).unwrap();
    staging.commit(&record(), provenance()).unwrap();
    let folder = store.cell_folder(&cell(3).id());
    (root, store, folder)
}

#[test]
fn a_committed_cell_is_read_back_whole() {
    let (_root, store, folder) = stored();
    let run = store.load(&cell(3).id()).unwrap();
    assert_eq!(run.record, record());
    assert_eq!(run.cell, cell(3));
    assert_eq!(run.axis("arm").as_deref(), Some("sapo"));
    assert_eq!(run.provenance.notes["device"], json!("cpu"));
    assert_eq!(fs::read(run.artifact("adapter/weights.bin")).unwrap(), [7; 100]);
    assert!(!run.limited());
    assert!(folder.join("manifest.json").is_file());
    assert!(matches!(store.claim(&cell(3)).unwrap(), Claim::Stored));
    assert_eq!(fs::read_dir(store.folder().join(".staging")).unwrap().count(), 0);
}

#[test]
fn a_cell_is_held_while_it_is_computed_and_absent_when_dropped() {
    let (_root, store) = store();
    let staging = granted(&store, &cell(3));
    assert!(
        matches!(store.claim(&cell(3)).unwrap(), Claim::Held(holder) if holder.pid == std::process::id())
    );
    assert!(!store.contains(&cell(3).id()));
    drop(staging);
    assert!(!store.contains(&cell(3).id()));
    assert_eq!(fs::read_dir(store.folder().join(".staging")).unwrap().count(), 0);
    drop(granted(&store, &cell(3)));
}

#[test]
fn a_score_that_is_not_a_number_is_not_stored() {
    let (_root, store) = store();
    let mut record = record();
    record.scores[0].value = f64::NAN;
    assert!(granted(&store, &cell(3)).commit(&record, provenance()).is_err());
    assert!(!store.contains(&cell(3).id()));
}

#[test]
fn a_flipped_bit_in_any_file_is_found_and_named() {
    let (_root, store, folder) = stored();
    let names = [
        "manifest.json",
        "scores.parquet",
        "predictions.parquet",
        "variant_losses.parquet",
        "training.parquet",
        "usage.parquet",
        "artifacts/adapter/weights.bin",
    ];
    for name in names {
        let path = folder.join(name);
        let whole = fs::read(&path).unwrap();
        let mut flipped = whole.clone();
        let middle = flipped.len() / 2;
        flipped[middle] ^= 2;
        fs::write(&path, &flipped).unwrap();
        let error = store.load(&cell(3).id()).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, StoreError::Damaged { .. }), "{name}: {text}");
        assert!(text.contains(name) && text.contains("delete the folder"), "{text}");
        fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        assert!(store.load(&cell(3).id()).is_err() || name == "manifest.json", "{name} cut short");
        fs::remove_file(&path).unwrap();
        assert!(store.load(&cell(3).id()).is_err(), "{name} missing");
        fs::write(&path, &whole).unwrap();
        store.load(&cell(3).id()).unwrap();
    }
}

#[test]
fn a_newer_layout_asks_for_an_upgrade() {
    let (_root, store, folder) = stored();
    fs::write(folder.join("manifest.json"), r#"{"version": 99}"#).unwrap();
    let error = store.load(&cell(3).id()).unwrap_err();
    assert!(matches!(error, StoreError::Newer { got: 99, .. }));
    assert!(error.to_string().contains("upgrade"), "{error}");
}

#[test]
fn a_cell_under_another_name_is_refused() {
    let (_root, store, folder) = stored();
    fs::rename(folder, store.cell_folder(&cell(4).id())).unwrap();
    let error = store.load(&cell(4).id()).unwrap_err().to_string();
    assert!(error.contains(&format!("it is the manifest of cell {}", cell(3).id())), "{error}");
}

#[test]
fn sweeping_removes_the_staging_of_the_dead_and_keeps_that_of_the_living() {
    let (_root, store) = store();
    let staging = granted(&store, &cell(3));
    let dead = store.folder().join(format!(".staging/{}", cell(4).id()));
    fs::create_dir_all(dead.join("artifacts")).unwrap();
    store.sweep().unwrap();
    assert!(!dead.exists());
    assert!(staging.artifacts().exists());
    staging.commit(&record(), provenance()).unwrap();
    store.load(&cell(3).id()).unwrap();
}

#[test]
fn a_claim_clears_what_an_earlier_holder_left_behind_without_progress() {
    let (_root, store) = store();
    let staging = |seed| store.folder().join(format!(".staging/{}", cell(seed).id()));
    fs::create_dir_all(staging(3).join("cell/artifacts/half")).unwrap();
    fs::create_dir_all(staging(4)).unwrap();
    let granted = granted(&store, &cell(3));
    assert_eq!(fs::read_dir(granted.artifacts()).unwrap().count(), 0);
    assert!(staging(4).exists());
}

#[test]
fn progress_outlives_its_process_until_the_cell_appears() {
    let (_root, store) = store();
    let program = Program::this(Code::detect());
    let first = granted(&store, &cell(3));
    assert_eq!(first.go_on(&program).unwrap(), 1);
    fs::write(first.progress().join("step"), "7").unwrap();
    fs::write(first.artifacts().join("adapter-1"), "learnt").unwrap();
    fs::write(first.artifacts().join(".writing-x"), "half").unwrap();
    fs::write(first.artifacts().join(".tmpAb12Cd"), "half").unwrap();
    drop(first);
    store.sweep().unwrap();
    assert_eq!(store.begun().unwrap(), [cell(3).id()]);

    let second = granted(&store, &cell(3));
    assert_eq!(second.go_on(&program).unwrap(), 2);
    assert_eq!(fs::read_to_string(second.progress().join("step")).unwrap(), "7");
    let left: Vec<_> =
        fs::read_dir(second.artifacts()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["adapter-1"]);
    second.commit(&record(), provenance()).unwrap();
    assert_eq!(store.begun().unwrap(), []);
    let run = store.load(&cell(3).id()).unwrap();
    assert_eq!(fs::read_to_string(run.artifact("adapter-1")).unwrap(), "learnt");
    let folder = store.cell_folder(&cell(3).id());
    assert!(!folder.join("progress").exists() && !folder.join("step").exists());
    assert_eq!(fs::read_dir(store.folder().join(".staging")).unwrap().count(), 0);
}

#[test]
fn another_program_begins_anew() {
    let (_root, store) = store();
    let code = Code::detect();
    let first = granted(&store, &cell(3));
    first.go_on(&Program::this(code.clone())).unwrap();
    fs::write(first.progress().join("step"), "7").unwrap();
    fs::write(first.artifacts().join("adapter-1"), "learnt").unwrap();
    drop(first);
    let second = granted(&store, &cell(3));
    let of_another_file = |program: &Program| -> Program {
        let mut program = serde_json::to_value(program).unwrap();
        program["bytes"] = 1.into();
        serde_json::from_value(program).unwrap()
    };
    assert_eq!(second.go_on(&of_another_file(&Program::this(code))).unwrap(), 1);
    assert_eq!(fs::read_dir(second.progress()).unwrap().count(), 0);
    assert_eq!(fs::read_dir(second.artifacts()).unwrap().count(), 0);
}

#[test]
fn a_checkout_that_changes_makes_no_other_program() {
    let (_root, store) = store();
    let code = Code::detect();
    let first = granted(&store, &cell(3));
    first.go_on(&Program::this(code.clone())).unwrap();
    fs::write(first.progress().join("step"), "7").unwrap();
    drop(first);
    let edited = Program::this(Code { dirty: Some(true), commit: Some("later".into()), ..code });
    assert_eq!(granted(&store, &cell(3)).go_on(&edited).unwrap(), 2);
}

#[test]
fn progress_is_forgotten_on_request_and_swept_once_the_cell_is_there() {
    let (_root, store) = store();
    let begin = |seed| {
        let staging = granted(&store, &cell(seed));
        fs::write(staging.progress().join("step"), "7").unwrap();
    };
    begin(3);
    let computing = granted(&store, &cell(3));
    assert!(!store.forget_progress(&cell(3).id()).unwrap(), "somebody computes it");
    drop(computing);
    assert_eq!(store.begun().unwrap(), [cell(3).id()]);
    assert!(store.forget_progress(&cell(3).id()).unwrap());
    assert_eq!(store.begun().unwrap(), []);
    // killed between the rename and the removal of its staging
    granted(&store, &cell(4)).commit(&record(), provenance()).unwrap();
    let left = store.folder().join(format!(".staging/{}/progress", cell(4).id()));
    fs::create_dir_all(&left).unwrap();
    fs::write(left.join("step"), "7").unwrap();
    assert_eq!(store.begun().unwrap(), []);
    store.sweep().unwrap();
    assert_eq!(fs::read_dir(store.folder().join(".staging")).unwrap().count(), 0);
}

#[test]
fn a_folder_without_a_manifest_is_no_cell_and_in_nobodys_way() {
    let (_root, store) = store();
    let folder = store.cell_folder(&cell(3).id());
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("scores.parquet"), "half a deletion").unwrap();
    assert!(!store.contains(&cell(3).id()));
    granted(&store, &cell(3)).commit(&record(), provenance()).unwrap();
    assert_eq!(store.load(&cell(3).id()).unwrap().record, record());
}

#[test]
fn a_removed_cell_is_absent() {
    let (_root, store, folder) = stored();
    store.remove(&cell(3).id()).unwrap();
    assert!(!folder.exists());
    store.remove(&cell(3).id()).unwrap();
}

#[test]
fn names_that_would_leave_the_root_are_refused() {
    for name in ["", "..", ".hidden", "a/b"] {
        assert!(
            matches!(Store::open(&PathBuf::from("runs"), name), Err(StoreError::BadName { .. })),
            "{name}"
        );
    }
}
