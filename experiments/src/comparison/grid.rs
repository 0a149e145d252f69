//! The cells of a comparison.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashSet};

use anyhow::ensure;
use itertools::Itertools;
use sapo_lab::{CellSpec, ExperimentArgs};
use sapo_learn::runs::fingerprint;

use tracing::info;

use super::config::{Axis, ComparisonConfig};
use crate::cell::Local;
use crate::models::Models;
use crate::places;

/// Seeds innermost but for the arms, so that what is compared is computed together.
pub(super) fn cells(config: &ComparisonConfig, args: &ExperimentArgs) -> anyhow::Result<Vec<CellSpec>> {
    let scale = config.scale(args)?;
    let names: Vec<&str> = config.arms(scale)?.iter().map(String::as_str).collect();
    let mut arms = args.arms_among(&names)?;
    let missing = config.missing_arms(scale)?;
    for (arm, why) in &missing {
        if arms.contains(&arm.as_str()) {
            ensure!(args.arms.is_none(), "arm {arm}: {why}");
            info!("arm {arm} is left out: {why}");
        }
        arms.retain(|other| other != arm);
    }
    ensure!(!arms.is_empty(), "every arm is left out: {}", missing.values().join("; "));
    let seeds = args.seeds_or(config.at(scale)?.seeds);
    ensure!(!seeds.is_empty(), "scale {scale}: seeds = 0 leaves the grid without a cell; give --seeds");
    let all = config.axes(scale)?;
    // the last are those by which a report sorts runs
    let (axes, telling) = (keys(all), keys(config.varied(scale)?));
    let data = places::absolute(args.data.as_ref())?;
    let (mut models, mut fingerprints) = (Models::default(), BTreeMap::new());
    let (mut cells, mut known, mut taken) = (Vec::new(), HashSet::new(), HashSet::new());
    for variations in config.variations(scale, &arms)?.chunks(arms.len()) {
        for &seed in &seeds {
            for variation in variations {
                let mut cell = variation.cell(seed, args)?;
                let (model, model_sha256) = models.find(&variation.settings.model, args)?;
                let material = cell.material();
                let data_sha256 = match fingerprints.entry((format!("{material:?}"), seed)) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(place) => {
                        let (stream, pools) = material.load(data.as_deref(), seed)?;
                        ensure!(
                            stream.tasks.len() > 1,
                            "streams: {} has one task, and there is no BWT and no FWT of one",
                            cell.stream
                        );
                        place.insert(fingerprint(&stream, &pools))
                    }
                };
                cell.model_sha256 = model_sha256;
                cell.data_sha256 = data_sha256.clone();
                let local = Local { model, data: data.clone() };
                let cell = CellSpec::new(cell, &axes)?;
                // an arm beside an axis is the same cell at every point
                let beside = all.iter().any(|axis| axis.leaves(&variation.arm));
                if known.insert(cell.id()) || !beside {
                    let place: Vec<_> = telling.iter().map(|key| cell.axis(key)).collect();
                    ensure!(
                        taken.insert(place),
                        "axes: the `key` of an axis has to tell its `points` apart, but two cells have {}",
                        cell.label()
                    );
                    cells.push(cell.with_local(local)?);
                }
            }
        }
    }
    Ok(cells)
}

/// The keys by which cells differ, outermost first, with these axes.
fn keys<'a>(axes: impl IntoIterator<Item = &'a Axis>) -> Vec<&'a str> {
    let own = axes.into_iter().map(|axis| axis.key.as_str());
    std::iter::once("stream").chain(own).chain(["seed", "arm"]).collect()
}
