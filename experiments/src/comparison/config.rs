use std::path::PathBuf;

use anyhow::ensure;
use sapo_bandit::SelectorConfig;
use sapo_bench::EvaluationConfig;
use sapo_lab::ExperimentArgs;
use sapo_learn::methods::MethodConfig;
use sapo_learn::runs::{RowCounts, StreamSource};
use sapo_learn::sapo::StreamConfig;
use sapo_learn::{Candidates, InterferenceConfig, ReselectionConfig, SelectionConfig, TrainConfig};
use sapo_tasks::TaskStream;
use serde::{Deserialize, Serialize};

/// `configs/<name>.toml`: everything but what the command line changes.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComparisonConfig {
    /// The question in one line.
    pub question: String,
    /// Name of the base model that is used where `--model` gives none.
    pub model: String,
    /// Number of seeds where `--seeds` gives none.
    pub seeds: u64,
    /// What is compared, in the order of tables and plots.
    pub arms: Vec<Arm>,
    /// Name of the arm that the others are compared with.
    #[serde(default = "untouched")]
    pub baseline: String,
    /// Where the tasks come from.
    pub stream: StreamSource,
    /// Rows of each task.
    pub rows: RowCounts,
    /// Longer inputs are cut at their end; so are those that the model's context has no room for.
    pub max_input_tokens: usize,
    /// What is chosen from: the pools as they are, or a search before each task (`[candidates.search]`).
    #[serde(default)]
    pub candidates: Candidates,
    /// Choosing the wording.
    pub selection: Selection,
    /// Learning.
    pub method: MethodConfig,
    /// Training on one task.
    pub train: TrainConfig,
    /// Scoring.
    pub evaluation: EvaluationConfig,
}

fn untouched() -> String {
    "static".to_string()
}

/// A way of choosing the training prompt, or of learning.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arm {
    /// Its name in tables, plots and cells.
    pub name: String,
    /// How the wording of the next task is chosen.
    pub selector: SelectorConfig,
    /// How it is chosen again while the task trains; absent: not at all.
    pub reselection: Option<ReselectionConfig>,
    /// What `interference-aware` needs; absent for every other rule.
    pub interference: Option<InterferenceConfig>,
    /// How this arm learns, where not as all.
    pub method: Option<MethodConfig>,
    /// How this arm trains on one task, where not as all.
    pub train: Option<TrainConfig>,
}

/// What all arms share in choosing.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selection {
    /// Training rows that a rule may ask about.
    pub examples: usize,
    /// Whether the original is a candidate.
    pub include_original: bool,
    /// Padded tokens in one batch of the probe.
    pub token_budget: usize,
}

/// The resolved configuration of one cell; its hash names the cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CellConfig {
    /// Name of the arm.
    pub arm: String,
    /// Seed of everything.
    pub seed: u64,
    /// Where the tasks come from.
    pub stream: StreamSource,
    /// Rows of each task.
    pub rows: RowCounts,
    /// Longer inputs are cut at their end; so are those that the model's context has no room for.
    pub max_input_tokens: usize,
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

/// Paths of this machine, which do not name the cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Local {
    /// The model directory.
    pub model: PathBuf,
    /// The data folder.
    pub data: Option<PathBuf>,
}

impl ComparisonConfig {
    /// Reads a configuration and checks what its types do not.
    pub(super) fn parse(text: &str) -> anyhow::Result<Self> {
        let config: Self = toml::from_str(text)?;
        for (place, Arm { name, .. }) in config.arms.iter().enumerate() {
            ensure!(config.arms[..place].iter().all(|arm| arm.name != *name), "two arms are named {name}");
        }
        ensure!(
            config.arm_names().contains(&config.baseline.as_str()),
            "no arm is named {}",
            config.baseline
        );
        Ok(config)
    }

    pub(super) fn arm_names(&self) -> Vec<&str> {
        self.arms.iter().map(|arm| arm.name.as_str()).collect()
    }

    /// The stream of one seed as the command line limits it.
    pub(super) fn load(&self, local: &Local, args: &ExperimentArgs, seed: u64) -> anyhow::Result<TaskStream> {
        Ok(self.stream.load(local.data.as_deref(), self.rows(args), seed)?)
    }

    /// The name of the stream, for titles.
    pub(super) fn stream_name(&self) -> &str {
        &self.stream.stream
    }

    fn rows(&self, args: &ExperimentArgs) -> RowCounts {
        RowCounts {
            train: self.rows.train.min(args.limit_train.unwrap_or(usize::MAX)),
            test: self.rows.test.min(args.limit_eval.unwrap_or(usize::MAX)),
        }
    }

    pub(super) fn cell(
        &self,
        arm: &Arm,
        seed: u64,
        args: &ExperimentArgs,
        model_sha256: &str,
        data_sha256: &str,
        device: &str,
    ) -> CellConfig {
        let Selection { examples, include_original, token_budget } = self.selection;
        CellConfig {
            arm: arm.name.clone(),
            seed,
            stream: self.stream.clone(),
            rows: self.rows(args),
            max_input_tokens: self.max_input_tokens,
            run: StreamConfig {
                candidates: self.candidates.clone(),
                selection: SelectionConfig {
                    selector: arm.selector,
                    examples,
                    include_original,
                    token_budget,
                },
                interference: arm.interference,
                reselection: arm.reselection.clone(),
                method: arm.method.as_ref().unwrap_or(&self.method).clone(),
                train: arm.train.as_ref().unwrap_or(&self.train).clone(),
                evaluation: self.evaluation.clone(),
            },
            model_sha256: model_sha256.to_string(),
            data_sha256: data_sha256.to_string(),
            device: device.to_owned(),
            limited: false,
        }
    }
}
