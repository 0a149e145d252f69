//! The settings of a cell: those of a scale, over which streams, points of axes and arms lay what they change.
//!
//! All are TOML tables, so that whatever a run can be told can also be an axis or an arm.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use sapo_bench::EvaluationConfig;
use sapo_lab::ExperimentArgs;
use sapo_learn::methods::MethodConfig;
use sapo_learn::runs::{PoolSource, RowCounts};
use sapo_learn::sapo::StreamConfig;
use sapo_learn::{
    Candidates, InterferenceConfig, Precision, ReselectionConfig, SelectionConfig, TrainConfig,
};
use serde::Deserialize;
use toml::{Table, Value};

/// The scales of every experiment, smallest first.
pub const SCALES: [&str; 3] = ["nano", "small", "paper"];

/// Everything that a run over a stream is told, but for the seed.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Name of the base model, or `org/name` of the Hub; `--model` takes its place.
    pub model: String,
    /// Number format of the model.
    #[serde(default)]
    pub precision: Precision,
    /// `builtin`, or a benchmark that is read from `--data`.
    pub benchmark: String,
    /// One of its streams.
    pub stream: String,
    /// Longer inputs are cut at their end; so are those that the model's context has no room for.
    pub max_input_tokens: usize,
    /// Paraphrases in the pool of every task.
    pub paraphrases: usize,
    /// Where they come from.
    #[serde(default)]
    pub pool: PoolSource,
    /// Rows of each task.
    pub rows: RowCounts,
    /// What is chosen from: the pools as they are, or a search before each task.
    #[serde(default)]
    pub candidates: Candidates,
    /// Choosing the wording.
    pub selection: SelectionConfig,
    /// What `interference-aware` needs; absent for every other rule.
    pub interference: Option<InterferenceConfig>,
    /// How it is chosen again while a task trains; absent: not at all.
    pub reselection: Option<ReselectionConfig>,
    /// Learning.
    pub method: MethodConfig,
    /// Training on one task.
    pub train: TrainConfig,
    /// Scoring.
    pub evaluation: EvaluationConfig,
}

impl Settings {
    /// The settings of a scale with these tables laid over them, one after the other.
    ///
    /// # Errors
    /// Where the scale is unknown, or a table says what nothing reads.
    pub fn layered<'a>(scale: &str, over: impl IntoIterator<Item = &'a Table>) -> anyhow::Result<Self> {
        let text = match scale {
            "nano" => include_str!("../configs/scales/nano.toml"),
            "small" => include_str!("../configs/scales/small.toml"),
            "paper" => include_str!("../configs/scales/paper.toml"),
            other => bail!("unknown scale {other:?}: expected one of {}", SCALES.join(", ")),
        };
        let mut table: Table = text.parse().with_context(|| format!("configs/scales/{scale}.toml"))?;
        over.into_iter().for_each(|over| lay_over(&mut table, over));
        Ok(table.try_into()?)
    }

    /// What the method does with the stream.
    pub fn run(&self) -> StreamConfig {
        StreamConfig {
            candidates: self.candidates.clone(),
            selection: self.selection.clone(),
            interference: self.interference,
            reselection: self.reselection.clone(),
            method: self.method.clone(),
            train: self.train.clone(),
            evaluation: self.evaluation.clone(),
        }
    }

    /// With no more rows than the command line allows.
    #[must_use]
    pub fn limited_by(mut self, args: &ExperimentArgs) -> Self {
        self.rows.train = self.rows.train.min(args.limit_train.unwrap_or(usize::MAX));
        self.rows.test = self.rows.test.min(args.limit_eval.unwrap_or(usize::MAX));
        self
    }
}

/// The scale that a command line asks for among those that an experiment has; by default the first of them.
///
/// # Errors
/// Where the experiment has no such scale.
pub fn scale<T>(has: &BTreeMap<String, T>, args: &ExperimentArgs) -> anyhow::Result<&'static str> {
    let known: Vec<&str> = SCALES.into_iter().filter(|scale| has.contains_key(*scale)).collect();
    Ok(args.scale_among(&known)?)
}

/// What an arm of this name lays over the settings, as `configs/arms.toml` says.
///
/// # Errors
/// Where there is none of this name.
pub fn arm(name: &str) -> anyhow::Result<Table> {
    let all: Table = include_str!("../configs/arms.toml").parse().context("configs/arms.toml")?;
    match all.get(name) {
        Some(Value::Table(over)) => Ok(over.clone()),
        _ => {
            let known: Vec<&str> = all.keys().map(String::as_str).collect();
            bail!("unknown arm {name:?}: configs/arms.toml has {}", known.join(", "))
        }
    }
}

/// Replaces values of `table` by those of `over`. A section is changed key by key, but one that says its `name` is another
/// thing of that name and takes the place of the old one.
pub fn lay_over(table: &mut Table, over: &Table) {
    for (key, value) in over {
        match (table.get_mut(key), value) {
            (Some(Value::Table(old)), Value::Table(new)) if !new.contains_key("name") => {
                old.extend(new.clone());
            }
            _ => {
                table.insert(key.clone(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Table {
        text.parse().unwrap()
    }

    #[test]
    fn every_scale_and_every_arm_can_be_read() {
        let arms: Table = include_str!("../configs/arms.toml").parse().unwrap();
        let stream = table("stream = 'c1'");
        for scale in SCALES {
            for name in arms.keys() {
                let over = arm(name).unwrap();
                let settings = Settings::layered(scale, [&stream, &over]);
                settings.unwrap_or_else(|error| panic!("{scale}, {name}: {error:#}"));
            }
        }
        assert!(
            Settings::layered("large", [&stream]).unwrap_err().to_string().contains("nano, small, paper")
        );
        assert!(arm("sapa").unwrap_err().to_string().contains("sapo"));
    }

    #[test]
    fn a_section_is_changed_key_by_key_and_a_named_one_replaced() {
        let mut settings = table("[train]\nepochs = 4\nlearning_rate = 1e-3\n[method]\nname = 'ewc'\nr = 40");
        lay_over(&mut settings, &table("[train]\nepochs = 8\n[method]\nname = 'lora-inc'"));
        assert_eq!(settings, table("[train]\nepochs = 8\nlearning_rate = 1e-3\n[method]\nname = 'lora-inc'"));
        lay_over(&mut settings, &table("[method]\nr = 2"));
        assert_eq!(settings["method"], Value::Table(table("name = 'lora-inc'\nr = 2")));
    }

    #[test]
    fn what_nothing_reads_is_refused() {
        let wrong = table("stream = 'c1'\n[selection]\nsampels = 3");
        assert!(format!("{:#}", Settings::layered("nano", [&wrong]).unwrap_err()).contains("sampels"));
    }
}
