//! Stored runs as numbers by triple, seed, quantity and wording.

use std::collections::{BTreeSet, HashMap};

use anyhow::{Context, bail};
use itertools::Itertools;
use sapo_lab::StoredRun;
use sapo_learn::triple::{by_rank, quantity, role};

use super::config::CellConfig;

/// The metric of all reports, as the paper's.
const METRIC: &str = "rouge_l";

/// All runs.
pub(super) struct Results {
    /// In the order of the grid, which has the seeds outermost.
    pub(super) runs: Vec<TripleRun>,
    /// Whether any run was made with `--limit-*`.
    pub(super) limited: bool,
}

/// One run.
pub(super) struct TripleRun {
    /// `G`, `C` or `M`.
    pub(super) kind: String,
    /// Name of the triple.
    pub(super) triple: String,
    pub(super) seed: u64,
    /// Names of T1, T2, T3a, ...
    pub(super) tasks: Vec<String>,
    /// Ids of the wordings of T2, the original first.
    pub(super) wordings: Vec<String>,
    /// Pre-update loss of each.
    pub(super) losses: Vec<f64>,
    /// By quantity and wording.
    values: HashMap<String, HashMap<String, f64>>,
}

impl Results {
    pub(super) fn from_runs(runs: &[StoredRun]) -> anyhow::Result<Self> {
        if runs.is_empty() {
            bail!("there is no finished run to report");
        }
        let limited = runs.iter().any(StoredRun::limited);
        Ok(Self { runs: runs.iter().map(TripleRun::of).collect::<anyhow::Result<_>>()?, limited })
    }

    /// The runs of each triple, in the order in which triples first occur.
    pub(super) fn triples(&self) -> Vec<Vec<&TripleRun>> {
        let mut triples: Vec<Vec<&TripleRun>> = Vec::new();
        for run in &self.runs {
            match triples.iter_mut().find(|runs| runs[0].triple == run.triple) {
                Some(runs) => runs.push(run),
                None => triples.push(vec![run]),
            }
        }
        triples
    }

    /// How many T2s there are: as many as triples, where none share theirs.
    pub(super) fn currents(&self) -> usize {
        self.runs.iter().map(TripleRun::current).unique().count()
    }

    pub(super) fn seeds(&self) -> usize {
        self.runs.iter().map(|run| run.seed).collect::<BTreeSet<_>>().len()
    }

    /// The types of triples that there are, in the order of the grid.
    pub(super) fn kinds(&self) -> Vec<&str> {
        self.runs.iter().map(|run| run.kind.as_str()).unique().collect()
    }
}

impl TripleRun {
    fn of(run: &StoredRun) -> anyhow::Result<Self> {
        let id = run.cell.id();
        let cell: CellConfig = serde_json::from_value(run.cell.config().clone())
            .with_context(|| format!("configuration of run {id}"))?;
        let mut values: HashMap<String, HashMap<String, f64>> = HashMap::new();
        for measured in &run.record.measurements {
            let of_quantity = values.entry(measured.quantity.clone()).or_default();
            of_quantity.insert(measured.subject.clone(), measured.value);
        }
        let known = run.record.variant_losses.iter().filter_map(|row| Some((row.variant.clone(), row.loss?)));
        let (wordings, losses) = known.unzip();
        let read = Self {
            kind: cell.kind,
            triple: cell.triple,
            seed: cell.seed,
            tasks: cell.tasks,
            wordings,
            losses,
            values,
        };
        if read.wordings.first().map(String::as_str) != Some(sapo_prompts::ORIGINAL_ID) {
            bail!("run {id}: the original wording is not the first that was measured");
        }
        for role in read.roles() {
            read.known(&quantity::score(METRIC, &role))
                .with_context(|| format!("run {id}: no score of {role}"))?;
        }
        Ok(read)
    }

    /// The name of T2.
    pub(super) fn current(&self) -> &str {
        &self.tasks[1]
    }

    /// `T1`, `T2`, `T3a`, ...
    pub(super) fn roles(&self) -> Vec<String> {
        (0..self.tasks.len()).map(role).collect()
    }

    /// The roles of the unseen tasks.
    pub(super) fn unseen(&self) -> Vec<String> {
        (2..self.tasks.len()).map(role).collect()
    }

    /// ROUGE-L of a task after training T2, by wording, 0 to 100.
    pub(super) fn scores(&self, role: &str) -> Vec<f64> {
        self.known(&quantity::score(METRIC, role)).unwrap_or_default() // looked for when the run was read
    }

    /// The score by wording minus that of the original.
    pub(super) fn changes(&self, role: &str) -> Vec<f64> {
        let scores = self.scores(role);
        scores.iter().map(|score| score - scores[0]).collect()
    }

    /// A quantity by wording; none where it is missing for one of them.
    pub(super) fn known(&self, quantity: &str) -> Option<Vec<f64>> {
        let values = self.values.get(quantity)?;
        self.wordings.iter().map(|wording| values.get(wording).copied()).collect()
    }

    /// A quantity of one wording.
    pub(super) fn value(&self, quantity: &str, wording: usize) -> Option<f64> {
        self.values.get(quantity)?.get(&self.wordings[wording]).copied()
    }

    /// The wording of each rank by pre-update loss, the lowest first; of equal losses the first comes first.
    pub(super) fn by_rank(&self) -> Vec<usize> {
        by_rank(&self.losses)
    }

    /// The modules of which there are cosines.
    pub(super) fn modules(&self) -> BTreeSet<&str> {
        let of_t1 = quantity::cosine_of("T1", "");
        self.values.keys().filter_map(|key| key.strip_prefix(of_t1.as_str())).collect()
    }
}
