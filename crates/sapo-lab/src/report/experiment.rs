//! One experiment as the page shows it.

use std::collections::{BTreeMap, BTreeSet};

use super::cell::Cell;
use super::error::ReportError;
use super::figures::{self, Shown};
use super::groups::{Group, groups};
use super::origin::{self, Fact, Times};
use super::settings::{self, SEED, Settings};
use super::source::Source;
use super::texts::Texts;
use super::usual_figures;
use crate::experiment::Description;

/// What the experiments' tables are made from; shown first where runs have several metrics.
const FIRST_METRIC: &str = "rouge_l";

/// The runs of one experiment and what is to be said of them.
#[derive(Debug)]
pub(super) struct Experiment {
    pub(super) name: String,
    /// What it wants to know, where that is stored.
    pub(super) question: Option<String>,
    /// Axes of the tables.
    pub(super) axes: Vec<String>,
    pub(super) metrics: Vec<String>,
    pub(super) cells: Vec<Cell>,
    pub(super) groups: Vec<Group>,
    pub(super) settings: Settings,
    pub(super) facts: Vec<Fact>,
    pub(super) times: Option<Times>,
    pub(super) figures: Figures,
    /// What a reader must know before trusting a number.
    pub(super) notices: Vec<String>,
    pub(super) damaged: Vec<String>,
    /// The texts that cells name by their places.
    pub(super) texts: Vec<String>,
}

/// The figures and where they are from.
#[derive(Debug)]
pub(super) struct Figures {
    /// Whether the experiment drew them.
    pub(super) drawn: bool,
    pub(super) shown: Vec<Shown>,
    /// Why there are none.
    pub(super) missing: Option<String>,
}

impl Experiment {
    /// Reads the cells of a source; what cannot be read is told in `damaged`.
    pub(super) fn read(source: &Source, samples: usize) -> Result<Self, ReportError> {
        let mut damaged = Vec::new();
        let description = Description::read(source.store.folder()).unwrap_or_else(|error| {
            damaged.push(error.to_string());
            None
        });
        let mut texts = Texts::default();
        let mut cells = Vec::new();
        for id in &source.ids {
            match source.store.load(id) {
                Ok(run) => cells.push(Cell::new(run, samples, &mut texts)),
                Err(error) => damaged.push(error.to_string()),
            }
        }
        sort(&mut cells, description.as_ref());
        let axes = settings::axes(&cells);
        let settings = settings::settings(&mut cells, &axes);
        let groups = groups(&cells, &axes)?;
        let metrics = metrics(&cells);
        let notices = notices(source, description.as_ref(), &cells);
        let figures = if source.whole { figures::drawn(source.store.folder())? } else { Vec::new() };
        let figures = if figures.is_empty() {
            let limited = if cells.iter().any(|cell| cell.limited) { " (limited)" } else { "" };
            let metric = metrics.first().map_or(FIRST_METRIC, String::as_str);
            match usual_figures::draw(&cells, &groups, metric, limited) {
                Ok(shown) => Figures { drawn: false, shown, missing: None },
                Err(why) => Figures { drawn: false, shown: Vec::new(), missing: Some(why) },
            }
        } else {
            Figures { drawn: true, shown: figures, missing: None }
        };
        Ok(Self {
            name: source.store.experiment().to_owned(),
            question: description.map(|description| description.question),
            facts: origin::facts(&cells),
            times: origin::times(&cells),
            texts: texts.into_list(),
            axes,
            metrics,
            cells,
            groups,
            settings,
            figures,
            notices,
            damaged,
        })
    }

    /// The axes of the table of means.
    pub(super) fn group_axes(&self) -> Vec<&String> {
        self.axes.iter().filter(|axis| *axis != SEED).collect()
    }
}

/// The order of the grid; then whatever is of no grid known here.
fn sort(cells: &mut [Cell], description: Option<&Description>) {
    let grid = description.map_or(&[][..], |description| &description.cells);
    let places: BTreeMap<&str, usize> =
        grid.iter().enumerate().map(|(place, id)| (id.as_str(), place)).collect();
    cells.sort_by_cached_key(|cell| {
        let place = places.get(cell.id.as_str()).copied().unwrap_or(usize::MAX);
        let numbered = |text: &str| text.parse::<u64>().unwrap_or(u64::MAX);
        let axes: Vec<(u64, String)> =
            cell.own_axes.iter().map(|(_, value)| (numbered(value), value.clone())).collect();
        (place, axes)
    });
}

/// Every metric of the runs, the one of the experiments' tables first.
fn metrics(cells: &[Cell]) -> Vec<String> {
    let names: BTreeSet<&String> = cells.iter().flat_map(|cell| cell.scores.keys()).collect();
    let mut names: Vec<String> = names.into_iter().cloned().collect();
    names.sort_by_key(|name| name != FIRST_METRIC);
    names
}

fn notices(source: &Source, description: Option<&Description>, cells: &[Cell]) -> Vec<String> {
    let mut notices = Vec::new();
    let limited = cells.iter().filter(|cell| cell.limited).count();
    if limited > 0 {
        notices.push(format!(
            "Limited: {} made with fewer examples than the experiment says.",
            were(limited, cells.len())
        ));
    }
    if !source.whole {
        notices.push("Only the cells whose folders were given are reported.".to_owned());
        return notices;
    }
    let Some(description) = description else {
        notices
            .push("No grid is stored with these runs, so whether they are complete is not known.".to_owned());
        return notices;
    };
    let grid: BTreeSet<&str> = description.cells.iter().map(|id| id.as_str()).collect();
    let stored = cells.iter().filter(|cell| grid.contains(cell.id.as_str())).count();
    if stored < grid.len() {
        notices.push(format!(
            "Incomplete: {stored} of the {} cells of the grid that was asked for last are stored and readable.",
            grid.len()
        ));
    }
    let others = cells.len() - stored;
    if others > 0 {
        notices.push(format!(
            "Of several grids: {} asked for earlier, and not part of the grid that was asked for last.",
            were(others, cells.len())
        ));
    }
    notices
}

/// `1 of 4 cells was`.
fn were(some: usize, all: usize) -> String {
    format!("{some} of {all} cells {}", if some == 1 { "was" } else { "were" })
}
