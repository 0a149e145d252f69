//! What made promoted results: code, libraries and machines, each with the number of runs that it holds for.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::experiment::Description;
use crate::provenance::{Code, Machine, Provenance};
use crate::store::{Store, StoreError};

/// What made results, and when.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Origin {
    /// Number of runs that the results are made of; 0 where the program keeps none.
    pub runs: usize,
    /// When the last of them was finished (RFC 3339, UTC).
    pub finished: Option<String>,
    /// What is known of them.
    pub facts: Vec<Fact>,
}

/// One fact about how runs came to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// What it is about.
    pub name: String,
    /// Every value with the number of runs of which it is true, the most frequent first.
    pub values: Vec<(String, usize)>,
}

impl Origin {
    /// The origin of the stored cells of a grid.
    ///
    /// # Errors
    /// As [`Store::manifest`].
    pub fn of_cells(store: &Store, grid: &Description) -> Result<Self, StoreError> {
        let stored = grid.cells.iter().filter(|id| store.contains(id));
        let provenances = stored.map(|id| Ok(store.manifest(id)?.provenance));
        let provenances = provenances.collect::<Result<Vec<_>, StoreError>>()?;
        let mut origin = Self { runs: provenances.len(), ..Self::default() };
        for provenance in &provenances {
            told(provenance).into_iter().for_each(|(name, value)| origin.count(name, value));
        }
        // RFC 3339 in UTC sorts as text
        origin.finished = provenances.into_iter().map(|provenance| provenance.finished).max();
        for fact in &mut origin.facts {
            fact.values.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        }
        Ok(origin)
    }

    /// The origin of what a program that keeps no cells has found.
    #[must_use]
    pub fn of_program(provenance: &Provenance) -> Self {
        let mut origin = Self { finished: Some(provenance.finished.clone()), ..Self::default() };
        told(provenance).into_iter().for_each(|(name, value)| origin.count(name, value));
        origin
    }

    fn count(&mut self, name: &str, value: String) {
        let place = self.facts.iter().position(|fact| fact.name == name).unwrap_or_else(|| {
            self.facts.push(Fact { name: name.to_owned(), values: Vec::new() });
            self.facts.len() - 1
        });
        let values = &mut self.facts[place].values;
        match values.iter_mut().find(|(known, _)| *known == value) {
            Some((_, count)) => *count += 1,
            None => values.push((value, 1)),
        }
    }
}

/// The notes that concern whoever compares numbers, and what readers call them.
const NOTES: [(&str, &str); 5] = [
    ("torch_version", "libtorch"),
    ("matmul_library", "library for products"),
    ("model", "model"),
    ("device", "device"),
    ("threads", "threads a run"),
];

fn told(provenance: &Provenance) -> Vec<(&'static str, String)> {
    let noted = |(key, name)| {
        let value = match provenance.notes.get(key)? {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        Some((name, value))
    };
    let mut told = vec![("program", program(&provenance.code)), ("machine", machine(&provenance.machine))];
    told.extend(NOTES.into_iter().filter_map(noted));
    told
}

fn program(code: &Code) -> String {
    let commit = match (&code.commit, code.dirty) {
        (None, _) => "commit unknown".to_owned(),
        (Some(commit), Some(false)) => format!("commit {commit}"),
        (Some(commit), Some(true)) => format!("commit {commit} with changes that were not committed"),
        (Some(commit), None) => format!("commit {commit}, unknown whether with changes"),
    };
    format!("version {}, {commit}, {}", code.version, code.rustc)
}

fn machine(machine: &Machine) -> String {
    let cpu = machine.cpu.as_deref().unwrap_or("processor unknown");
    let cores = if machine.cores == 1 { "1 core".to_owned() } else { format!("{} cores", machine.cores) };
    format!("{cpu}, {cores}")
}
