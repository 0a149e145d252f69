//! What cells will cost, judged by what stored cells did.

use std::collections::HashMap;

use crate::cell::CellSpec;
use crate::runs::IndexedCell;

/// The axis that makes no difference to what a cell costs.
const SEED: &str = "seed";

/// What a cell cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Cost {
    pub(crate) seconds: f64,
    pub(crate) forward_tokens: u64,
}

/// What a cell will cost: the median of those that it is judged by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Estimate {
    pub(crate) cost: Cost,
    pub(crate) by: Likeness,
}

/// Which cells another is judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Likeness {
    /// Those that differ in the seed alone.
    AllButSeed,
    /// All of the experiment.
    Experiment,
}

impl Likeness {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::AllButSeed => "all_but_seed",
            Self::Experiment => "experiment",
        }
    }
}

/// What the stored cells of an experiment cost. Those made with fewer examples than the experiment says are apart: they
/// say nothing of the others.
#[derive(Debug, Default)]
pub(crate) struct Costs {
    by_axes: HashMap<(bool, Vec<String>), Vec<Cost>>,
    all: HashMap<bool, Vec<Cost>>,
}

impl Costs {
    pub(crate) fn of(stored: &[IndexedCell]) -> Self {
        let mut costs = Self::default();
        for cell in stored {
            // A cell that several processes worked at has the seconds of all of them in its usage alone.
            let seconds = cell.wall_seconds.max(cell.usage_seconds);
            let cost = Cost { seconds, forward_tokens: cell.forward_tokens };
            let axes = without_seed(cell.axes.clone());
            costs.by_axes.entry((cell.limited, axes)).or_default().push(cost);
            costs.all.entry(cell.limited).or_default().push(cost);
        }
        costs
    }

    /// Nothing where no stored cell says anything of this one.
    pub(crate) fn estimate(&self, cell: &CellSpec) -> Option<Estimate> {
        let limited = cell.limited();
        let alike = self.by_axes.get(&(limited, without_seed(cell.pairs())));
        let by = if alike.is_some() { Likeness::AllButSeed } else { Likeness::Experiment };
        let cost = median(alike.or_else(|| self.all.get(&limited))?)?;
        Some(Estimate { cost, by })
    }
}

fn without_seed(mut axes: Vec<String>) -> Vec<String> {
    axes.retain(|axis| axis.split_once('=').is_none_or(|(name, _)| name != SEED));
    axes
}

/// The lower median of seconds and of tokens.
fn median(costs: &[Cost]) -> Option<Cost> {
    let middle = costs.len().checked_sub(1)? / 2;
    let mut seconds: Vec<f64> = costs.iter().map(|cost| cost.seconds).collect();
    let mut tokens: Vec<u64> = costs.iter().map(|cost| cost.forward_tokens).collect();
    seconds.sort_by(f64::total_cmp);
    tokens.sort_unstable();
    Some(Cost { seconds: seconds[middle], forward_tokens: tokens[middle] })
}
