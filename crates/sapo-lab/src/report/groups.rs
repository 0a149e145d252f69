//! Cells that differ in their seed alone, as one row: means with intervals.

use std::collections::{BTreeMap, HashMap};

use itertools::Itertools;
use sapo_metrics::{Convention, Estimate, StatsError, Transfer, estimate};
use serde::Serialize;

use super::cell::Cell;
use super::page::hex;
use super::settings::SEED;
use crate::plots::palette::{Rgb, colours};

/// The axis whose values have colours of their own.
const ARM: &str = "arm";

/// All runs of one setting.
#[derive(Debug, Serialize)]
pub(super) struct Group {
    /// The values of the axes other than the seed.
    pub(super) axes: Vec<String>,
    /// The colour of its arm, the same as in the experiments' figures.
    pub(super) colour: String,
    /// Number of runs.
    pub(super) runs: usize,
    /// How many of them are limited.
    limited: usize,
    /// By metric, by convention.
    pub(super) scores: BTreeMap<String, BTreeMap<&'static str, Means>>,
    seconds: Estimate,
    tokens: f64,
    /// The cells, by their places.
    #[serde(skip)]
    pub(super) cells: Vec<usize>,
}

/// AP, BWT and FWT over the runs that have them.
#[derive(Debug, Serialize)]
pub(super) struct Means {
    #[serde(rename = "AP")]
    pub(super) ap: Option<Estimate>,
    #[serde(rename = "BWT")]
    pub(super) bwt: Option<Estimate>,
    #[serde(rename = "FWT")]
    pub(super) fwt: Option<Estimate>,
}

impl Group {
    /// Its name in figures: the values of its axes.
    pub(super) fn name(&self) -> String {
        if self.axes.is_empty() { "all runs".to_owned() } else { self.axes.join(", ") }
    }

    /// What its colour stands for: its arm, whatever else tells it from other groups, or all of it.
    fn coloured_by(&self, arm: Option<usize>) -> String {
        arm.map_or_else(|| self.name(), |place| self.axes[place].clone())
    }
}

/// The groups in order of appearance.
pub(super) fn groups(cells: &[Cell], axes: &[String]) -> Result<Vec<Group>, StatsError> {
    let mut members: Vec<(Vec<String>, Vec<usize>)> = Vec::new();
    for (place, cell) in cells.iter().enumerate() {
        let named = axes.iter().zip(&cell.axes).filter(|(axis, _)| *axis != SEED);
        let values: Vec<String> = named.map(|(_, value)| value.clone()).collect();
        match members.iter_mut().find(|(key, _)| *key == values) {
            Some((_, places)) => places.push(place),
            None => members.push((values, vec![place])),
        }
    }
    let mut groups = members
        .into_iter()
        .map(|(axes, places)| group(cells, axes, places))
        .collect::<Result<Vec<_>, _>>()?;
    let arm = axes.iter().filter(|axis| *axis != SEED).position(|axis| axis == ARM);
    let names: Vec<String> = groups.iter().map(|group| group.coloured_by(arm)).unique().collect();
    let colours: HashMap<&str, Rgb> =
        names.iter().map(String::as_str).zip(colours(names.iter().map(String::as_str))).collect();
    for group in &mut groups {
        group.colour = colours.get(group.coloured_by(arm).as_str()).copied().map(hex).unwrap_or_default();
    }
    Ok(groups)
}

fn group(cells: &[Cell], axes: Vec<String>, places: Vec<usize>) -> Result<Group, StatsError> {
    let members: Vec<&Cell> = places.iter().map(|&place| &cells[place]).collect();
    let mut scores: BTreeMap<String, BTreeMap<&'static str, Means>> = BTreeMap::new();
    for metric in members.iter().flat_map(|cell| cell.scores.keys()) {
        if scores.contains_key(metric) {
            continue;
        }
        let mut by_convention = BTreeMap::new();
        for convention in Convention::ALL.map(Convention::name) {
            let of_convention = |cell: &&Cell| cell.scores.get(metric)?.transfer.get(convention).copied();
            let transfers: Vec<Transfer> = members.iter().filter_map(of_convention).collect();
            let over = |part: fn(&Transfer) -> Option<f64>| {
                estimate(&transfers.iter().filter_map(part).collect::<Vec<_>>())
            };
            let (ap, bwt, fwt) = (over(|t| Some(t.ap))?, over(|t| t.bwt)?, over(|t| t.fwt)?);
            by_convention.insert(convention, Means { ap, bwt, fwt });
        }
        scores.insert(metric.clone(), by_convention);
    }
    let seconds: Vec<f64> = members.iter().map(|cell| cell.seconds).collect();
    let tokens = members.iter().map(|cell| cell.tokens as f64).sum::<f64>() / members.len() as f64;
    Ok(Group {
        axes,
        colour: String::new(),
        runs: members.len(),
        limited: members.iter().filter(|cell| cell.limited).count(),
        scores,
        seconds: estimate(&seconds)?.unwrap_or_else(|| Estimate::single(0.0)),
        tokens,
        cells: places,
    })
}
