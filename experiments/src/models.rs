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
    /// The folder of a model and its hash, without which no cell has its name. It is downloaded where cells are computed,
    /// and never only to look at what is stored.
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
        let (listed, stored) = (args.dry_run || args.list, args.plot_only || args.cancel);
        let given = args.model.as_deref();
        let model = match listed || stored {
            true => places::on_disk(given, name)?,
            false => places::model(given, name, args.quiet)?,
        };
        let model =
            std::path::absolute(&model).with_context(|| format!("cannot resolve {}", model.display()))?;
        let sha256 = match model.join("config.json").exists() {
            true => directory_sha256(&model)?,
            // the cells of a model that is not here can be looked at, not computed
            false if listed => "not here".to_string(),
            false if stored => bail!(
                "model {} is not on this machine: its files are needed, for their hash is a part of the cells' names, and \
                 nothing is downloaded to look at stored cells; {}",
                given.map_or(name.to_string(), |given| given.display().to_string()),
                match given {
                    Some(_) => "--model takes the folder that has them".to_string(),
                    None if name.contains('/') => format!("`hf download {name}` brings them"),
                    None => format!("`just pretrain {name}` makes them"),
                }
            ),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn find(name: &str, line: &[&str]) -> anyhow::Result<(PathBuf, String)> {
        Models::default().find(name, &ExperimentArgs::from_line(line).unwrap())
    }

    #[test]
    fn a_model_is_not_fetched_to_look_at_cells() {
        for flag in ["--dry-run", "--list"] {
            assert_eq!(find("nobody/none", &[flag]).unwrap().1, "not here");
            assert_eq!(find("nano", &[flag, "--model", "nobody/none"]).unwrap().1, "not here");
        }
        for flag in ["--plot-only", "--cancel"] {
            let refused = |name: &str, more: &[&str]| {
                let line = [&[flag][..], more].concat();
                find(name, &line).unwrap_err().to_string()
            };
            let of_hub = refused("nobody/none", &[]);
            assert!(of_hub.contains("model nobody/none is not on this machine"), "{of_hub}");
            assert!(of_hub.contains("`hf download nobody/none`"), "{of_hub}");
            let base = refused("no-such-base", &[]);
            assert!(base.contains("`just pretrain no-such-base`"), "{base}");
            let given = refused("nano", &["--model", "nobody/none"]);
            assert!(given.contains("model nobody/none is not on this machine"), "{given}");
            let wrong = refused("nano", &["--model", "no/such/folder"]);
            assert!(wrong.contains("expected a folder that is there"), "{wrong}");
            assert_eq!(find("nano", &[flag]).unwrap(), find("nano", &[]).unwrap());
        }
    }
}
