//! The cells of a comparison.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashSet};

use anyhow::ensure;
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
    for (arm, why) in &config.missing_arms(scale)? {
        if arms.contains(&arm.as_str()) {
            ensure!(args.arms.is_none(), "arm {arm}: {why}");
            info!("arm {arm} is left out: {why}");
        }
        arms.retain(|other| other != arm);
    }
    let varied = config.axes(scale)?;
    let axes = axes(varied);
    let data = places::absolute(args.data.as_ref())?;
    let (mut models, mut fingerprints) = (Models::default(), BTreeMap::new());
    let (mut cells, mut known) = (Vec::new(), HashSet::new());
    for variations in config.variations(scale, &arms)?.chunks(arms.len()) {
        for seed in args.seeds_or(config.at(scale)?.seeds) {
            for variation in variations {
                let mut cell = variation.cell(seed, args)?;
                let (model, model_sha256) = models.find(&variation.settings.model, args)?;
                let material = cell.material();
                let data_sha256 = match fingerprints.entry((format!("{material:?}"), seed)) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(place) => {
                        let (stream, pools) = material.load(data.as_deref(), seed)?;
                        place.insert(fingerprint(&stream, &pools))
                    }
                };
                cell.model_sha256 = model_sha256;
                cell.data_sha256 = data_sha256.clone();
                let local = Local { model, data: data.clone() };
                let cell = CellSpec::new(cell, &axes)?;
                // an arm beside an axis is the same cell at every point; other twins are for the lab to refuse
                let beside = varied.iter().any(|axis| axis.leaves(&variation.arm));
                if known.insert(cell.id()) || !beside {
                    cells.push(cell.with_local(local)?);
                }
            }
        }
    }
    Ok(cells)
}

/// The keys by which cells differ, outermost first.
fn axes(varied: &[Axis]) -> Vec<&str> {
    let own = varied.iter().map(|axis| axis.key.as_str());
    std::iter::once("stream").chain(own).chain(["seed", "arm"]).collect()
}
