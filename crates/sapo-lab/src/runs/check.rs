//! Everything that is wrong with the stored cells of an experiment.

use std::path::PathBuf;

use crate::cell::CellId;
use crate::store::{Store, StoreError};

/// Something that is wrong, and what to do about it.
#[derive(Debug)]
pub struct Finding {
    /// The cell's name, where it has one.
    pub cell: Option<CellId>,
    /// The file or folder.
    pub path: PathBuf,
    /// What is wrong, and what to do.
    pub problem: String,
}

/// Reads every stored cell of an experiment and every checksum; `on_cell` hears of each. Returns how many are good, and
/// what is wrong with the others.
///
/// # Errors
/// [`StoreError::Io`] where the folder cannot be listed.
pub fn check(store: &Store, on_cell: &mut dyn FnMut(&CellId)) -> Result<(usize, Vec<Finding>), StoreError> {
    let mut findings = Vec::new();
    let mut good = 0;
    for id in store.stored()? {
        match store.load(&id) {
            Ok(_) => good += 1,
            Err(error) => {
                let path = error.path().map_or_else(|| store.cell_folder(&id), ToOwned::to_owned);
                findings.push(Finding { cell: Some(id.clone()), path, problem: error.to_string() });
            }
        }
        on_cell(&id);
    }
    Ok((good, findings))
}
