//! The cells of a comparison.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::PathBuf;

use anyhow::{Context, bail, ensure};
use sapo_lab::{CellSpec, ExperimentArgs};
use sapo_learn::runs::fingerprint;
use sapo_model::directory_sha256;

use super::config::{ComparisonConfig, Hashes, Local};
use crate::{places, streams};

/// Seeds innermost but for the arms, so that what is compared is computed together.
pub(super) fn cells(config: &ComparisonConfig, args: &ExperimentArgs) -> anyhow::Result<Vec<CellSpec>> {
    let scale = config.scale(args)?;
    let known: Vec<&str> = config.arms(scale)?.iter().map(String::as_str).collect();
    let arms = args.arms_among(&known)?;
    let axes = axes(config, scale)?;
    let axes: Vec<&str> = axes.iter().map(String::as_str).collect();
    let data = streams::absolute(args.data.as_ref())?;
    let (mut models, mut fingerprints) = (Models::default(), BTreeMap::new());
    let mut cells = Vec::new();
    for variations in config.variations(scale, &arms)?.chunks(arms.len()) {
        for seed in args.seeds_or(config.at(scale)?.seeds) {
            for variation in variations {
                let mut variation = variation.clone();
                variation.settings = variation.settings.limited_by(args);
                let (model, model_sha256) = models.find(&variation.settings.model, args)?;
                let material = variation.settings.material();
                let data_sha256 = match fingerprints.entry((format!("{material:?}"), seed)) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(place) => {
                        let (stream, pools) = material.load(data.as_deref(), seed)?;
                        place.insert(fingerprint(&stream, &pools))
                    }
                };
                let hashes = Hashes { model: model_sha256, data: data_sha256.clone() };
                let cell = variation.cell(seed, args, &hashes)?;
                let local = Local { model, data: data.clone() };
                cells.push(CellSpec::new(cell, &axes)?.with_local(local)?);
            }
        }
    }
    Ok(cells)
}

/// The keys by which cells differ, outermost first.
pub(super) fn axes(config: &ComparisonConfig, scale: &str) -> anyhow::Result<Vec<String>> {
    let own = config.axes(scale)?.iter().map(|axis| axis.key.clone());
    Ok(std::iter::once("stream".to_string()).chain(own).chain(["seed".into(), "arm".into()]).collect())
}

/// Models by name, each hashed once.
#[derive(Default)]
struct Models(BTreeMap<String, (PathBuf, String)>);

impl Models {
    fn find(&mut self, name: &str, args: &ExperimentArgs) -> anyhow::Result<(PathBuf, String)> {
        if let Some(known) = self.0.get(name) {
            return Ok(known.clone());
        }
        ensure!(
            args.model.is_none() || self.0.is_empty(),
            "--model: this experiment varies the model ({} and {name}), so none can be given",
            self.0.keys().next().map_or("", String::as_str)
        );
        let looked_at = args.dry_run || args.list;
        let model = match (&args.model, looked_at) {
            (None, true) => places::on_disk(name),
            (given, _) => places::model(given.as_deref(), name, args.quiet)?,
        };
        let model =
            std::path::absolute(&model).with_context(|| format!("cannot resolve {}", model.display()))?;
        let sha256 = match model.join("config.json").exists() {
            true => directory_sha256(&model)?,
            // the cells of a model that is not here can be looked at, not computed
            false if looked_at => "not here".to_string(),
            false => bail!(
                "no model in {}: give one with --model{}",
                model.display(),
                if name.contains('/') {
                    String::new()
                } else {
                    format!(", or make the base with `just pretrain {name}`")
                }
            ),
        };
        self.0.insert(name.to_string(), (model.clone(), sha256.clone()));
        Ok((model, sha256))
    }
}
