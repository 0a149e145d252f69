use std::path::{Path, PathBuf};

use sapo_bench::EvaluationConfig;
use sapo_model::{LanguageModel, directory_sha256};
use sapo_prompts::PromptPool;
use sapo_tasks::readers::TrainFrom;
use sapo_tasks::{Task, TaskStream};
use serde::{Deserialize, Serialize};

use super::streams::{by_grammar, fingerprint, pool_error};
use super::{PARAPHRASES, RowCounts, StreamSource, shorten_inputs};
use crate::methods::MethodConfig;
use crate::sapo::StreamConfig;
use crate::{Candidates, InterferenceConfig, LearnError, ReselectionConfig, SelectionConfig, TrainConfig};

/// A run as a user writes it down: `run.toml`. What is left out is as in the paper.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunConfig {
    /// The model: a folder in Hugging Face layout, or `org/name` or `org/name@revision` of the Hub. No part of what names
    /// the run: its weights are.
    pub model: PathBuf,
    /// Folder of the benchmark, where it is read from one. As the model it does not name the run: the rows do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<PathBuf>,
    /// Which tasks, in which order.
    pub stream: StreamSource,
    /// Rows of each task.
    #[serde(default)]
    pub rows: RowCounts,
    /// Longer inputs are cut at their end; so are those that the model's context has no room for.
    #[serde(default = "max_input_tokens")]
    pub max_input_tokens: usize,
    /// Decides every random draw.
    #[serde(default)]
    pub seed: u64,
    /// Number format of weights and computation: `f32`, `bf16`, `f16` or `auto`, the one on disk.
    #[serde(default = "dtype")]
    pub dtype: String,
    /// Where the candidates of each task come from.
    #[serde(default)]
    pub pool: PoolSource,
    /// Whether they are searched further before each task.
    #[serde(default, skip_serializing_if = "Candidates::is_given")]
    pub candidates: Candidates,
    /// How the wording of a task is chosen.
    #[serde(default)]
    pub selection: SelectionConfig,
    /// What `interference-aware` needs, and no other rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interference: Option<InterferenceConfig>,
    /// How it is chosen again while a task trains; absent: not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reselection: Option<ReselectionConfig>,
    /// How the next task is learnt.
    #[serde(default = "method")]
    pub method: MethodConfig,
    /// Training on one task.
    #[serde(default)]
    pub train: TrainConfig,
    /// Evaluation after each task.
    #[serde(default)]
    pub evaluation: EvaluationConfig,
}

fn max_input_tokens() -> usize {
    1536
}

fn dtype() -> String {
    "f32".to_string()
}

fn method() -> MethodConfig {
    MethodConfig::LoraInc(Default::default())
}

impl Default for RowCounts {
    /// At most 1,000 to train on and 500 that are scored.
    fn default() -> Self {
        Self { train: 1000, test: 500, train_from: TrainFrom::Train }
    }
}

/// Where the candidates of a task come from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum PoolSource {
    /// Those that come with the benchmark ([`StreamSource::pool`]).
    #[default]
    Benchmark,
    /// So many paraphrases by grammar.
    Grammar(usize),
    /// A folder with a pool file a task, `<task>.json`, as `sapo paraphrase --out` writes it.
    Folder(PathBuf),
}

impl PoolSource {
    /// The original of a task and `count` paraphrases; a source that says its own number keeps it.
    ///
    /// # Errors
    /// When there are too few, a file cannot be read, or they were written for another original.
    pub fn pool(
        &self,
        stream: &StreamSource,
        task: &Task,
        bank: &Path,
        count: usize,
    ) -> Result<PromptPool, LearnError> {
        match self {
            Self::Benchmark => stream.pool(task, bank, count),
            Self::Grammar(count) => by_grammar(task, *count),
            Self::Folder(folder) => {
                let pool = PromptPool::load_from(folder, &task.name, &task.instruction);
                pool.map_err(|error| pool_error(task, error))
            }
        }
    }
}

/// Where the files of a run lie on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Places {
    /// The model's folder.
    pub model: PathBuf,
    /// The benchmark's folder.
    pub data: Option<PathBuf>,
    /// The folder of the paraphrase bank.
    pub bank: PathBuf,
}

impl RunConfig {
    /// What is run over the stream.
    pub fn stream_config(&self) -> StreamConfig {
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

    /// The tasks and the candidates of each.
    ///
    /// # Errors
    /// Names what is unknown, missing or malformed.
    pub fn tasks(&self, places: &Places) -> Result<(TaskStream, Vec<PromptPool>), LearnError> {
        let stream = self.stream.load(places.data.as_deref(), self.rows, self.seed)?;
        let pools =
            stream.tasks.iter().map(|task| self.pool.pool(&self.stream, task, &places.bank, PARAPHRASES));
        let pools = pools.collect::<Result<Vec<_>, _>>()?;
        Ok((stream, pools))
    }

    /// What the run is named by: everything that decides what comes of it, with content in place of paths.
    ///
    /// # Errors
    /// When the model cannot be read.
    pub fn named_by(
        &self,
        places: &Places,
        (stream, pools): (&TaskStream, &[PromptPool]),
        device: &str,
    ) -> Result<serde_json::Value, LearnError> {
        let mut named = serde_json::to_value(self).map_err(|error| LearnError::Setting {
            name: "run",
            got: error.to_string(),
            expected: "settings that JSON can hold",
        })?;
        if let Some(named) = named.as_object_mut() {
            // paths say where, hashes say what
            for path in ["model", "data", "pool"] {
                named.remove(path);
            }
            named.insert("model_sha256".into(), directory_sha256(&places.model)?.into());
            named.insert("data_sha256".into(), fingerprint(stream, pools).into());
            named.insert("device".into(), device.into());
        }
        Ok(named)
    }

    /// Makes every wording fit the model; returns how many inputs had to be cut.
    ///
    /// # Errors
    /// As [`shorten_inputs`].
    pub fn fit(
        &self,
        model: &LanguageModel,
        stream: &mut TaskStream,
        pools: &[PromptPool],
    ) -> Result<usize, LearnError> {
        shorten_inputs(stream, pools, model, self.evaluation.max_new_tokens, self.max_input_tokens)
    }
}
