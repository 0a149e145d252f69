use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::*;
use crate::provenance::{Code, Stopwatch};
use crate::record::{RunRecord, Score, TrainingStep};
use crate::store::Claim;

fn cell() -> CellSpec {
    CellSpec::new(json!({"model": "org/name", "seed": 3}), &["model", "seed"]).unwrap()
}

fn now(run_step: u64, tokens_per_second: Option<f64>) -> Told {
    let training = TrainingNow {
        task: 1,
        optimiser_step: run_step,
        total_steps: 2,
        run_step,
        loss: 0.5,
        term: 0.0,
        learning_rate: 0.125,
        tokens_per_second,
    };
    Told { training: Some(training), ..Told::of(1, 4, "train") }
}

fn keep(store: &Store) {
    let Claim::Granted(staging) = store.claim(&cell()).unwrap() else { panic!("the cell is new") };
    let row = |step, optimiser_step, loss| TrainingStep {
        step,
        optimiser_step,
        loss,
        term: Some(0.25),
        learning_rate: 0.125,
        wording: "original".into(),
    };
    let score = |step, value| Score {
        step,
        task: 2,
        task_name: "mood".into(),
        metric: "rouge_l".into(),
        value,
        examples: 1,
    };
    let record = RunRecord {
        training: vec![row(1, 1, 2.0), row(1, 2, 1.0), row(2, 1, 0.5)],
        scores: vec![score(0, 10.0), score(2, 90.0)],
        ..RunRecord::default()
    };
    staging.commit(&record, Stopwatch::start(Code::detect()).stop(BTreeMap::new())).unwrap();
}

/// The curves as TensorBoard itself reads them; nothing where it is not installed.
fn opened(folder: &Path) -> Option<Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/tests/tensorboard_opens.py");
    let python = std::env::var("TENSORBOARD_PYTHON").unwrap_or_else(|_| "python3".into());
    let output = Command::new(python).arg("-B").arg(script).arg(folder).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    if text.starts_with("not run: ") {
        eprint!("{text}");
        return None;
    }
    Some(serde_json::from_str(&text).unwrap())
}

#[test]
fn a_cell_has_curves_while_it_is_computed_and_whole_ones_after() {
    let root = tempfile::tempdir().unwrap();
    let store = Store::open(root.path(), "toy").unwrap();
    let mut curves = TensorBoard::new(&store);
    let folder = curves.folder_of(&cell());
    assert!(folder.to_string_lossy().contains("toy/tensorboard/model=org_name,seed=3-"));
    curves.progress(&cell(), &Told::of(0, 4, "evaluate"));
    curves.progress(&cell(), &now(1, None));
    assert!(event_files(&folder).is_empty(), "a step of an earlier process is in another file");
    curves.progress(&cell(), &now(2, Some(100.0)));
    let live = event_files(&folder);
    assert_eq!(live.len(), 1);
    if let Some(seen) = opened(&folder) {
        assert_eq!(seen["training/loss"], json!([[2, 0.5]]));
    }

    keep(&store);
    curves.finished(&cell());
    let stored = event_files(&folder);
    assert!(stored.len() == 1 && stored != live, "{stored:?}");
    if let Some(seen) = opened(&folder) {
        let expected = json!({
            "training/loss": [[1, 2.0], [2, 1.0], [3, 0.5]],
            "training/term": [[1, 0.25], [2, 0.25], [3, 0.25]],
            "training/learning_rate": [[1, 0.125], [2, 0.125], [3, 0.125]],
            "rouge_l/2 mood": [[0, 10.0], [2, 90.0]],
        });
        assert_eq!(seen, expected);
    }
    let bytes = fs::read(&stored[0]).unwrap();
    curves.write(&store.load(&cell().id()).unwrap()).unwrap();
    assert_eq!(event_files(&folder), stored);
    fs::remove_file(&stored[0]).unwrap();
    curves.write(&store.load(&cell().id()).unwrap()).unwrap();
    assert_eq!(fs::read(&stored[0]).unwrap(), bytes, "the same cell gives the same file");
}
