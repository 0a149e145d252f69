//! The models of a grid.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, bail, ensure};
use sapo_lab::ExperimentArgs;
use sapo_model::directory_sha256;

use crate::places;

/// What a cell calls its model: the configured name, or `given` where the command line gives another one.
pub fn named(configured: &str, args: &ExperimentArgs) -> String {
    if args.model.is_some() { "given".to_string() } else { configured.to_string() }
}

/// Models by name, each hashed once.
#[derive(Debug, Default)]
pub struct Models(BTreeMap<String, (PathBuf, String)>);

impl Models {
    /// The folder of a model and its hash.
    ///
    /// # Errors
    /// When `--model` is given though the grid varies the model, or there is no model.
    pub fn find(&mut self, name: &str, args: &ExperimentArgs) -> anyhow::Result<(PathBuf, String)> {
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
