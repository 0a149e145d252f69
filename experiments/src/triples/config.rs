use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use sapo_lab::ExperimentArgs;
use sapo_learn::methods::MethodConfig;
use sapo_learn::runs::{PoolSource, RowCounts, StreamSource};
use sapo_learn::triple::TripleConfig;
use sapo_learn::{Candidates, Precision};
use sapo_probes::ProbeConfig;
use sapo_prompts::PromptPool;
use sapo_tasks::TaskStream;
use serde::{Deserialize, Serialize};
use toml::Table;

use crate::models::named;
use crate::places;
use crate::settings::{self, Settings};

/// `configs/triples.toml`: which triples; the settings are those of the scale.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TriplesConfig {
    /// The question of each experiment, by its name, in one line.
    pub questions: BTreeMap<String, String>,
    /// What differs by scale.
    pub scales: BTreeMap<String, AtScale>,
}

/// What is done at one scale.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AtScale {
    /// Number of seeds where `--seeds` gives none.
    pub seeds: u64,
    /// Ranks by pre-update loss of the wordings whose gradients are compared.
    pub conflict_ranks: Vec<usize>,
    /// The triples.
    pub triples: Vec<TripleTasks>,
    /// What this lays over the settings of the scale.
    #[serde(default)]
    pub settings: Table,
}

/// One triple.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TripleTasks {
    /// Short name: `G1`.
    pub name: String,
    /// `G` (generation), `C` (classification) or `M` (both).
    #[serde(rename = "type")]
    pub kind: String,
    /// T1, T2, T3a, T3b, ...
    pub tasks: Vec<String>,
}

/// The resolved configuration of one cell; its hash names the cell. It does not say for which experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CellConfig {
    /// `G`, `C` or `M`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Name of the triple.
    pub triple: String,
    /// T1, T2, T3a, T3b, ...
    pub tasks: Vec<String>,
    /// Seed of everything.
    pub seed: u64,
    /// Name of the base model, or `given` where the command line gives one. It names the cell as its hash does: the same
    /// files under another name are another cell.
    pub model: String,
    /// Number format of the model.
    pub precision: Precision,
    /// Where the tasks come from.
    pub benchmark: String,
    /// Rows of each task.
    pub rows: RowCounts,
    /// Longer inputs are cut at their end; so are those that the model's context has no room for.
    pub max_input_tokens: usize,
    /// Paraphrases of T2.
    pub paraphrases: usize,
    /// Where they come from.
    pub pool: PoolSource,
    /// The protocol.
    pub run: TripleConfig,
    /// Hash of the model directory.
    pub model_sha256: String,
    /// Hash of all rows and wordings.
    pub data_sha256: String,
    /// What kind of device computes it.
    pub device: String,
    /// Set by the lab where `--limit-*` was used.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub limited: bool,
}

impl TriplesConfig {
    /// Reads a configuration and checks what its types do not.
    pub(super) fn parse(text: &str) -> anyhow::Result<Self> {
        let config: Self = toml::from_str(text)?;
        for (scale, at) in &config.scales {
            for (place, triple) in at.triples.iter().enumerate() {
                let name = &triple.name;
                ensure!(
                    triple.tasks.len() >= 3,
                    "scale {scale}: triple {name} needs T1, T2 and at least one T3"
                );
                let named = at.triples[..place].iter().any(|other| other.name == *name);
                ensure!(!named, "scale {scale}: two triples are named {name}");
                let settings =
                    at.settings(scale, triple).with_context(|| format!("scale {scale}, {name}"))?;
                protocol(&settings, at)?;
            }
        }
        Ok(config)
    }

    /// What is done at the scale that a command line asks for.
    pub(super) fn at(&self, args: &ExperimentArgs) -> anyhow::Result<(&'static str, &AtScale)> {
        let scale = settings::scale(&self.scales, args)?;
        Ok((scale, self.scales.get(scale).with_context(|| format!("no scale {scale}"))?))
    }
}

impl AtScale {
    pub(super) fn settings(&self, scale: &str, triple: &TripleTasks) -> anyhow::Result<Settings> {
        let named = Table::from_iter([("stream".to_string(), triple.name.clone().into())]);
        Settings::layered(scale, [&self.settings, &named])
    }

    /// The cell of a triple but for its hashes.
    pub(super) fn cell(
        &self,
        scale: &str,
        triple: &TripleTasks,
        seed: u64,
        args: &ExperimentArgs,
    ) -> anyhow::Result<(CellConfig, String)> {
        let settings = self.settings(scale, triple)?.limited_by(args);
        let run = protocol(&settings, self)?;
        let cell = CellConfig {
            kind: triple.kind.clone(),
            triple: triple.name.clone(),
            tasks: triple.tasks.clone(),
            seed,
            model: named(&settings.model, args),
            precision: settings.precision,
            benchmark: settings.benchmark.clone(),
            rows: settings.rows,
            max_input_tokens: settings.max_input_tokens,
            paraphrases: settings.paraphrases,
            pool: settings.pool.clone(),
            run,
            model_sha256: String::new(),
            data_sha256: String::new(),
            device: args.device_kind()?,
            limited: false,
        };
        Ok((cell, settings.model))
    }
}

/// What of the settings the protocol reads. It trains with an adapter and nothing else, and chooses nothing.
fn protocol(settings: &Settings, at: &AtScale) -> anyhow::Result<TripleConfig> {
    let MethodConfig::LoraInc(method) = &settings.method else {
        bail!("method {}: triples are trained with lora-inc", settings.method.name());
    };
    ensure!(
        settings.candidates == Candidates::Given
            && settings.reselection.is_none()
            && settings.interference.is_none(),
        "triples choose no wording: candidates, interference and reselection have no meaning"
    );
    Ok(TripleConfig {
        lora: method.lora.clone(),
        train: settings.train.clone(),
        evaluation: settings.evaluation.clone(),
        examples: settings.selection.examples,
        token_budget: settings.selection.token_budget,
        probes: probes(settings),
        conflict_ranks: at.conflict_ranks.clone(),
    })
}

/// Every probe that there is, with the longest answer of the scoring and the step of the training.
fn probes(settings: &Settings) -> Vec<ProbeConfig> {
    let longest = settings.evaluation.max_new_tokens;
    let fitted = |probe| match probe {
        ProbeConfig::ExactMatch(mut probe) => {
            probe.max_new_tokens = longest;
            ProbeConfig::ExactMatch(probe)
        }
        ProbeConfig::RougeL(mut probe) => {
            probe.max_new_tokens = longest;
            ProbeConfig::RougeL(probe)
        }
        ProbeConfig::Interference(mut step) => {
            step.learning_rate = settings.train.learning_rate;
            step.max_gradient_norm = settings.train.max_gradient_norm;
            ProbeConfig::Interference(step)
        }
        other => other,
    };
    ProbeConfig::all().into_iter().map(fitted).collect()
}

impl CellConfig {
    /// The tasks, and the wordings of each: of T2 the pool, of the others the original alone.
    pub(super) fn load(&self, data: Option<&Path>) -> anyhow::Result<(TaskStream, Vec<PromptPool>)> {
        let source = StreamSource { benchmark: self.benchmark.clone(), stream: self.triple.clone() };
        let data = data.map(|data| places::benchmark_folder(data, &source.benchmark));
        let stream = source.load_tasks(&self.tasks, data.as_deref(), self.rows, self.seed)?;
        let bank = places::project("data/prompts");
        let mut pools = Vec::new();
        for (place, task) in stream.tasks.iter().enumerate() {
            pools.push(match place {
                1 => self.pool.pool(&source, task, &bank, self.paraphrases)?,
                _ => PromptPool::new(task.instruction.clone(), task.labels.clone(), Vec::new())?,
            });
        }
        Ok((stream, pools))
    }
}
