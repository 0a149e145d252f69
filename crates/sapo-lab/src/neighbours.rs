//! Cells that another experiment has computed: experiments that ask about the same runs need them once.

use std::collections::BTreeMap;

use crate::cell::{CellId, CellSpec};
use crate::runs::experiments;
use crate::store::{Claim, Store, StoreError};

/// The other experiments with runs beside those of one.
#[derive(Debug)]
pub(crate) struct Neighbours(Vec<Store>);

impl Neighbours {
    /// # Errors
    /// [`StoreError::Io`] where the folder of all experiments is there and cannot be listed.
    pub(crate) fn of(store: &Store) -> Result<Self, StoreError> {
        if !store.root().is_dir() {
            return Ok(Self(Vec::new()));
        }
        let mut others = experiments(store.root())?;
        others.retain(|other| other.experiment() != store.experiment());
        Ok(Self(others))
    }

    /// An experiment that has stored the cell.
    pub(crate) fn with(&self, id: &CellId) -> Option<&Store> {
        self.0.iter().find(|other| other.contains(id))
    }
}

/// Takes over those cells that `store` lacks and a neighbour has. Returns how many came from which experiment.
///
/// A cell that cannot be taken over is said in the log and left to be computed; one that another process computes now is
/// left to it.
///
/// # Errors
/// [`StoreError::Io`] of the own store.
pub(crate) fn take_over(store: &Store, cells: &[CellSpec]) -> Result<BTreeMap<String, usize>, StoreError> {
    let neighbours = Neighbours::of(store)?;
    let mut taken = BTreeMap::new();
    for cell in cells {
        let id = cell.id();
        if store.contains(&id) {
            continue;
        }
        let Some(other) = neighbours.with(&id) else { continue };
        let Claim::Granted(staging) = store.claim(cell)? else { continue };
        match staging.take_over(other) {
            Ok(()) => *taken.entry(other.experiment().to_owned()).or_insert(0) += 1,
            Err(error) => {
                tracing::warn!("{} is computed, for it cannot be taken over: {error}", cell.label())
            }
        }
    }
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use serde_json::json;

    use super::*;
    use crate::provenance::{Code, Stopwatch};
    use crate::record::{RunRecord, Usage};

    fn cell(seed: u32, axes: &[&str]) -> CellSpec {
        CellSpec::new(json!({"arm": "sapo", "seed": seed}), axes).unwrap()
    }

    fn store(root: &Path, name: &str) -> Store {
        let store = Store::open(root, name).unwrap();
        store.sweep().unwrap();
        store
    }

    fn keep(store: &Store, cell: &CellSpec) {
        let Claim::Granted(staging) = store.claim(cell).unwrap() else { panic!("the cell is new") };
        fs::create_dir_all(staging.artifacts().join("adapter")).unwrap();
        fs::write(staging.artifacts().join("adapter/weights"), "weights").unwrap();
        let usage = Usage { step: 1, phase: "train".into(), seconds: 1.0, forward_tokens: 7 };
        let record = RunRecord { usage: vec![usage], ..RunRecord::default() };
        staging.commit(&record, Stopwatch::start(Code::detect()).stop(BTreeMap::new())).unwrap();
    }

    #[test]
    fn a_cell_of_a_neighbour_becomes_a_cell_of_ones_own() {
        let root = tempfile::tempdir().unwrap();
        let (theirs, ours) = (store(root.path(), "theirs"), store(root.path(), "ours"));
        keep(&theirs, &cell(0, &["arm", "seed"]));
        keep(&theirs, &cell(7, &["arm", "seed"]));
        let asked = [cell(0, &["seed"]), cell(1, &["seed"])];

        assert_eq!(take_over(&ours, &asked).unwrap(), BTreeMap::from([("theirs".to_owned(), 1)]));
        assert_eq!(ours.stored().unwrap(), [asked[0].id()]);
        let (run, origin) = (ours.load(&asked[0].id()).unwrap(), theirs.load(&asked[0].id()).unwrap());
        assert_eq!((run.record, run.provenance.started), (origin.record, origin.provenance.started));
        assert_eq!(run.cell.axes(), asked[0].axes());
        assert_eq!(run.provenance.notes["taken_over_from"], "theirs");
        assert_eq!(ours.manifest(&asked[0].id()).unwrap().experiment, "ours");
        assert!(ours.begun().unwrap().is_empty());

        assert_eq!(take_over(&ours, &asked).unwrap(), BTreeMap::new());
        // gone there, kept here
        theirs.remove(&asked[0].id()).unwrap();
        let kept = ours.load(&asked[0].id()).unwrap();
        assert_eq!(fs::read(kept.artifact("adapter/weights")).unwrap(), b"weights");
        // and from hand to hand the first origin stays
        let third = store(root.path(), "third");
        take_over(&third, &asked).unwrap();
        assert_eq!(third.load(&asked[0].id()).unwrap().provenance.notes["taken_over_from"], "theirs");
    }

    #[test]
    fn a_damaged_cell_and_one_in_work_are_left() {
        let root = tempfile::tempdir().unwrap();
        let (theirs, ours) = (store(root.path(), "theirs"), store(root.path(), "ours"));
        let cells = [cell(0, &["seed"]), cell(1, &["seed"])];
        cells.iter().for_each(|cell| keep(&theirs, cell));
        fs::write(theirs.cell_folder(&cells[0].id()).join("artifacts/adapter/weights"), "weighty").unwrap();
        let Claim::Granted(in_work) = ours.claim(&cells[1]).unwrap() else { panic!("the cell is new") };
        assert_eq!(take_over(&ours, &cells).unwrap(), BTreeMap::new());
        assert_eq!(ours.stored().unwrap(), []);
        drop(in_work);
        assert_eq!(take_over(&ours, &cells).unwrap(), BTreeMap::from([("theirs".to_owned(), 1)]));
        assert_eq!(fs::read_dir(ours.folder().join(".staging")).unwrap().count(), 0);
    }

    #[test]
    fn the_first_experiment_has_no_neighbours() {
        let root = tempfile::tempdir().unwrap();
        let alone = Store::open(&root.path().join("none"), "alone").unwrap();
        assert!(Neighbours::of(&alone).unwrap().with(&cell(0, &["seed"]).id()).is_none());
    }
}
