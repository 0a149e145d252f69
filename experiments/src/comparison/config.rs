use std::collections::BTreeMap;

use anyhow::{Context, bail, ensure};
use itertools::Itertools;
use sapo_lab::ExperimentArgs;
use sapo_lab::tables::is_name;
use sapo_learn::Precision;
use sapo_learn::runs::{PoolSource, RowCounts, StreamSource};
use sapo_learn::sapo::StreamConfig;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::material::Material;
use crate::models::named;
use crate::published::PaperTable;
use crate::settings::{self, SCALES, Settings};

/// `configs/<name>.toml`: what is compared with what; the settings are those of the scale.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComparisonConfig {
    /// The question in one line.
    pub question: String,
    /// What is compared, in the order of tables and plots: names of `configs/arms.toml` or of `define`.
    pub arms: Vec<String>,
    /// Name of the arm that the others are compared with.
    #[serde(default = "plain")]
    pub baseline: String,
    /// Arms of this experiment alone.
    #[serde(default)]
    pub define: BTreeMap<String, Table>,
    /// Arms whose pools lie in a folder that somebody has to write first: left out where it is not there.
    #[serde(default)]
    pub if_there: Vec<String>,
    /// What is varied beside arms and seeds, outermost first.
    #[serde(default)]
    pub axes: Vec<Axis>,
    /// What differs by scale; the experiment has no other scales than these.
    pub scales: BTreeMap<String, AtScale>,
    /// Figures beside the usual ones.
    #[serde(default)]
    pub figures: Vec<ExtraFigure>,
    /// Tables of the paper whose form the results are also written in, and whose numbers they are laid beside. The one
    /// axis is then the method.
    #[serde(default)]
    pub published: Vec<PaperTable>,
}

/// The key of the axis of methods.
pub(super) const METHOD: &str = "run.method.name";

/// The axes of every comparison beside its own.
const EVERY: [&str; 3] = ["stream", "seed", "arm"];

/// The arm that trains every task in its original wording.
pub(super) const PLAIN: &str = "static";

fn plain() -> String {
    PLAIN.to_string()
}

/// What an experiment does at one scale.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AtScale {
    /// Number of seeds where `--seeds` gives none.
    pub seeds: u64,
    /// Streams: names, or tables that hold `stream` and what else is different on it.
    pub streams: Vec<Value>,
    /// Arms, where not those of all scales.
    pub arms: Option<Vec<String>>,
    /// Axes, where not those of all scales.
    pub axes: Option<Vec<Axis>>,
    /// What this experiment lays over the settings of the scale.
    #[serde(default)]
    pub settings: Table,
}

/// One thing that is varied.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Axis {
    /// What tables and plots call it, with its unit.
    pub name: String,
    /// Where its value stands in a cell's configuration: `run.train.learning_rate`.
    pub key: String,
    /// Its values, each as what it lays over the settings.
    pub points: Vec<Table>,
    /// Arms that it changes nothing for: computed once, without any of its points, and compared with at every point.
    #[serde(default)]
    pub beside: Vec<String>,
}

/// A figure that not every comparison has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExtraFigure {
    /// AP against what choosing cost, in tokens.
    Cost,
}

/// The resolved configuration of one cell; its hash names the cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CellConfig {
    /// Name of the arm.
    pub arm: String,
    /// Seed of everything.
    pub seed: u64,
    /// Name of the base model, or `given` where the command line gives one. It names the cell as its hash does: the same
    /// files under another name are another cell.
    pub model: String,
    /// Number format of the model.
    pub precision: Precision,
    /// Where the tasks come from.
    pub benchmark: String,
    /// One of its streams.
    pub stream: String,
    /// Rows of each task.
    pub rows: RowCounts,
    /// Longer inputs are cut at their end; so are those that the model's context has no room for.
    pub max_input_tokens: usize,
    /// Paraphrases in the pool of every task.
    pub paraphrases: usize,
    /// Where they come from.
    pub pool: PoolSource,
    /// The run over the stream.
    pub run: StreamConfig,
    /// Hash of the model directory.
    pub model_sha256: String,
    /// Hash of all rows and candidates.
    pub data_sha256: String,
    /// What kind of device computes it; which one of several is no part of the cell.
    pub device: String,
    /// Set by the lab where `--limit-*` was used.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub limited: bool,
}

impl CellConfig {
    /// Where its tasks and their wordings come from.
    pub(super) fn material(&self) -> Material {
        Material {
            source: StreamSource { benchmark: self.benchmark.clone(), stream: self.stream.clone() },
            rows: self.rows,
            pool: self.pool.clone(),
            paraphrases: self.paraphrases,
        }
    }
}

/// One combination of stream, points of axes and arm: a cell but for the seed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Variation {
    pub(super) arm: String,
    pub(super) settings: Settings,
}

impl ComparisonConfig {
    /// Reads a configuration and checks what its types do not.
    pub(super) fn parse(text: &str) -> anyhow::Result<Self> {
        let config: Self = toml::from_str(text)?;
        let unknown = config.scales.keys().find(|scale| !SCALES.contains(&scale.as_str()));
        ensure!(unknown.is_none(), "unknown scale {}", unknown.map_or("", String::as_str));
        ensure!(!config.scales.is_empty(), "no scale");
        for scale in config.scales.keys() {
            config.check(scale).with_context(|| format!("scale {scale}"))?;
        }
        Ok(config)
    }

    fn check(&self, scale: &str) -> anyhow::Result<()> {
        let (at, arms) = (self.at(scale)?, self.arms(scale)?);
        for (place, name) in arms.iter().enumerate() {
            ensure!(!arms[..place].contains(name), "two arms are named {name}");
        }
        ensure!(arms.contains(&self.baseline), "no arm is named {}", self.baseline);
        ensure!(
            is_name(&self.baseline),
            "baseline: it names a table, so {:?} has to be of letters, digits, `_`, `-` and `.`",
            self.baseline
        );
        let unknown = self.if_there.iter().find(|name| !arms.contains(name));
        ensure!(
            unknown.is_none(),
            "no arm is named {}, which may be missing",
            unknown.map_or("", String::as_str)
        );
        self.check_axes(scale)?;
        ensure!(!at.streams.is_empty(), "streams = [] leaves the grid without a cell");
        let variations = self.variations(scale, &arms.iter().map(String::as_str).collect::<Vec<_>>())?;
        // streams are outermost, each with as many variations
        let of_each = variations.len() / at.streams.len();
        let streams: Vec<&str> =
            variations.iter().step_by(of_each).map(|variation| variation.settings.stream.as_str()).collect();
        if let Some(name) = streams.iter().duplicates().next() {
            bail!("streams: two are named {name}, so no report could tell them apart");
        }
        self.check_published(scale, &streams)
    }

    fn check_axes(&self, scale: &str) -> anyhow::Result<()> {
        let (axes, arms) = (self.axes(scale)?, self.arms(scale)?);
        for (place, Axis { name, key, points, beside }) in axes.iter().enumerate() {
            for arm in beside {
                ensure!(arms.contains(arm), "no arm is named {arm}, which an axis has beside it");
            }
            let taken = EVERY.contains(&key.as_str()) || axes[..place].iter().any(|other| other.key == *key);
            ensure!(!taken, "axis {name:?}: key = {key:?} is an axis already");
            ensure!(!points.is_empty(), "axis {name:?}: points = [] leaves the grid without a cell");
        }
        Ok(())
    }

    fn check_published(&self, scale: &str, streams: &[&str]) -> anyhow::Result<()> {
        if self.published.is_empty() {
            return Ok(());
        }
        let tables = [PaperTable::Table1, PaperTable::Table11];
        ensure!(
            self.published.iter().all(|table| tables.contains(table)),
            "published: expected table1 or table11"
        );
        ensure!(self.baseline == PLAIN, "published: expected the baseline {PLAIN}, got {}", self.baseline);
        let axes = self.axes(scale)?;
        let by_method =
            matches!(axes, [axis] if axis.key == METHOD && axis.points.len() > 1 && axis.beside.is_empty());
        ensure!(by_method, "published: expected one axis, {METHOD}, with several methods");
        if let Some(stream) = streams.iter().find(|stream| !is_name(stream)) {
            bail!(
                "published: streams name columns, so {stream:?} has to be of letters, digits, `_`, `-` and `.`"
            );
        }
        Ok(())
    }

    /// The scale that a command line asks for.
    pub(super) fn scale(&self, args: &ExperimentArgs) -> anyhow::Result<&'static str> {
        settings::scale(&self.scales, args)
    }

    /// What is done at a scale.
    pub(super) fn at(&self, scale: &str) -> anyhow::Result<&AtScale> {
        self.scales.get(scale).with_context(|| format!("no scale {scale}"))
    }

    /// The arms of a scale.
    pub(super) fn arms(&self, scale: &str) -> anyhow::Result<&[String]> {
        Ok(self.at(scale)?.arms.as_deref().unwrap_or(&self.arms))
    }

    /// Why arms are left out at a scale: the folder that has no pools.
    pub(super) fn missing_arms(&self, scale: &str) -> anyhow::Result<BTreeMap<String, String>> {
        let may_be: Vec<&str> = self.if_there.iter().map(String::as_str).collect();
        let mut missing = BTreeMap::new();
        for variation in self.variations(scale, &may_be)? {
            if let PoolSource::Folder(folder) = &variation.settings.pool
                && !folder.is_dir()
            {
                missing.insert(variation.arm, format!("there are no pools in {}", folder.display()));
            }
        }
        Ok(missing)
    }

    /// The axes of a scale.
    pub(super) fn axes(&self, scale: &str) -> anyhow::Result<&[Axis]> {
        Ok(self.at(scale)?.axes.as_deref().unwrap_or(&self.axes))
    }

    /// Those of the axes that tell cells apart: an axis with one point does not.
    pub(super) fn varied(&self, scale: &str) -> anyhow::Result<Vec<&Axis>> {
        Ok(self.axes(scale)?.iter().filter(|axis| axis.points.len() > 1).collect())
    }

    /// Every stream under every combination of points with every of these arms, streams outermost.
    pub(super) fn variations(&self, scale: &str, arms: &[&str]) -> anyhow::Result<Vec<Variation>> {
        let at = self.at(scale)?;
        let layers: Vec<Vec<Table>> = at
            .streams
            .iter()
            .map(|stream| match stream {
                Value::Table(over) => Ok(vec![at.settings.clone(), over.clone()]),
                Value::String(name) => {
                    let named = Table::from_iter([("stream".to_string(), name.clone().into())]);
                    Ok(vec![at.settings.clone(), named])
                }
                other => bail!("a stream is a name or a table, got {other}"),
            })
            .collect::<anyhow::Result<_>>()?;
        let axes = self.axes(scale)?;
        let mut points: Vec<Vec<&Table>> = vec![Vec::new()];
        for axis in axes {
            let mut longer = Vec::new();
            for before in &points {
                longer.extend(axis.points.iter().map(|point| [before.as_slice(), &[point]].concat()));
            }
            points = longer;
        }
        let mut variations = Vec::new();
        for below in &layers {
            for points in &points {
                for arm in arms {
                    let over = match self.define.get(*arm) {
                        Some(over) => over.clone(),
                        None => settings::arm(arm)?,
                    };
                    let changed = axes.iter().zip(points).filter(|(axis, _)| !axis.leaves(arm));
                    let points = changed.map(|(_, point)| *point);
                    let settings = Settings::layered(scale, below.iter().chain(points).chain([&over]));
                    let settings = settings.with_context(|| format!("arm {arm}"))?;
                    variations.push(Variation { arm: arm.to_string(), settings });
                }
            }
        }
        Ok(variations)
    }
}

impl Axis {
    /// Whether it changes nothing for the arm.
    pub(super) fn leaves(&self, arm: &str) -> bool {
        self.beside.iter().any(|beside| beside == arm)
    }
}

impl Variation {
    /// The cell of a seed but for its hashes.
    pub(super) fn cell(&self, seed: u64, args: &ExperimentArgs) -> anyhow::Result<CellConfig> {
        let settings = self.settings.clone().limited_by(args);
        Ok(CellConfig {
            arm: self.arm.clone(),
            seed,
            model: named(&settings.model, args),
            precision: settings.precision,
            run: settings.run(),
            benchmark: settings.benchmark,
            stream: settings.stream,
            rows: settings.rows,
            max_input_tokens: settings.max_input_tokens,
            paraphrases: settings.paraphrases,
            pool: settings.pool,
            model_sha256: String::new(),
            data_sha256: String::new(),
            device: args.device_kind()?,
            limited: false,
        })
    }
}
